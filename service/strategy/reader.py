"""Reads a bundle's YAML files by their models; a file that another bundle in memory has word for word is taken there.

YAML is the slowest part of a bundle, and most of a candidate's files are those of the live bundle.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from service.strategy.documents import Document, read_yaml
from service.strategy.problems import Problem
from service.strategy.reading import Model, validate
from service.strategy.salvaging import salvage


class Reading(NamedTuple):
    """A file that was read without a mistake: what it was read from, and what it holds."""

    digest: bytes
    document: Document
    content: Any
    """An instance of the file's model."""


class Reader:
    """Reads files, and keeps those without mistakes for the next bundle."""

    def __init__(self, known: Mapping[str, Reading] | None = None) -> None:
        self._known = known or {}
        self.kept: dict[str, Reading] = {}

    def read(self, file: str, raw: bytes, model: type[Model]) -> tuple[Document, Model] | list[Problem]:
        """Return a file's document and content, or all that is wrong with it."""
        digest = hashlib.sha256(raw).digest()
        same = self._known.get(file)
        if same is None or same.digest != digest or not isinstance(same.content, model):
            document = read_yaml(raw, file)
            if isinstance(document, Problem):
                return [document]
            content = validate(document, model)
            if isinstance(content, list):
                return content
            same = Reading(digest, document, content)
        self.kept[file] = same
        return same.document, same.content

    def salvage(self, file: str, raw: bytes, model: type[Model]) -> tuple[Document, Model] | None:
        """Return what is sound in a file with mistakes, for looking at; None if it is not even YAML."""
        document = read_yaml(raw, file)
        content = None if isinstance(document, Problem) else salvage(document, model)
        return None if isinstance(document, Problem) or content is None else (document, content)
