"""Reads a bundle's YAML files, keeping the line and column of every value, so that each mistake can name its place.

ruamel reads YAML 1.2: the market `NO` stays a text, and a key written twice is an error.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from service.strategy.problems import Problem, suggest

Model = TypeVar("Model", bound=BaseModel)


class Document(NamedTuple):
    """A YAML file's content (ruamel's, which remembers places) and its name inside the bundle."""

    file: str
    content: Any

    def place(self, path: Sequence[str | int], *, of_key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of the value at `path`, or of its key; of the nearest parent if absent."""
        node, line, column = self.content, 0, 0
        for index, part in enumerate(path):
            last = index == len(path) - 1
            if isinstance(node, CommentedMap) and part in node:
                line, column = node.lc.key(part) if of_key and last else node.lc.value(part)
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line, column = node.lc.item(part)
            elif isinstance(node, CommentedMap | CommentedSeq):
                break
            else:
                continue
            node = node[part]
        return line + 1, column + 1

    def problem(self, path: Sequence[str | int], what: str, remedy: str, *, of_key: bool = False) -> Problem:
        """Return the problem at `path`."""
        return Problem(self.file, *self.place(path, of_key=of_key), what, remedy)


def read_yaml(raw: bytes, file: str) -> Document | Problem:
    """Return a file's document, or why it cannot be read."""
    try:
        content = YAML(typ="rt").load(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Problem(file, line, 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = (error.problem or "cannot be read").splitlines()[0]
        remedy = "write each key once" if "duplicate key" in what else "mend the YAML here"
        return Problem(file, line, column, f"not YAML: {what}", remedy)
    except (YAMLError, ValueError, RecursionError) as error:
        return Problem(file, 1, 1, f"not YAML: {str(error).splitlines()[0]}", "mend the YAML")
    if not isinstance(content, CommentedMap):
        return Problem(file, 1, 1, "the file holds no mapping", "start it with 'key: value' lines")
    return Document(file, content)


def validate(document: Document, model: type[Model]) -> Model | list[Problem]:
    """Return the document as a model, or all that is wrong with its shape."""
    try:
        return model.model_validate(_plain(document.content))
    except ValidationError as error:
        return [_explain(document, model, dict(detail)) for detail in error.errors(include_url=False)]


def _plain(node: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    if isinstance(node, dict):
        return {key if isinstance(key, str) else str(key): _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def _explain(document: Document, model: type[BaseModel], error: dict[str, Any]) -> Problem:
    path, kind, message = error["loc"], error["type"], str(error["msg"])
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        return document.problem(path, f"unknown field '{name}'", suggest(name, known), of_key=True)
    if kind == "missing":
        where = ".".join(map(str, path[:-1])) or "the file"
        return document.problem(path, f"field '{name}' is missing in {where}", f"add '{name}:'")
    message = message.removeprefix("Value error, ")
    what = f"{'.'.join(map(str, path))}: {message[0].lower()}{message[1:]}"
    remedy = "write " + _REMEDIES.get(kind, "a value that fits")
    if "ISO 3166-1" in message:
        remedy = "write two capital letters such as DE, or any"
    if kind in {"literal_error", "enum"}:
        remedy = f"write one of {error['ctx']['expected']}"
    return document.problem([p for p in path if p != "[key]"], what, remedy)


_REMEDIES = {
    "float_type": "a number such as 0.5, without quotes",
    "int_type": "a whole number, without quotes",
    "bool_type": "true or false",
    "string_type": "a text; quote it where YAML takes it for something else",
    "string_pattern_mismatch": "small letters, digits, '_', '-' and '.', such as 'crypto_trading'",
    "greater_than_equal": "a number in that range",
    "less_than_equal": "a number in that range",
    "model_type": "a mapping of fields",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "string_too_short": "some text",
    "string_too_long": "a shorter text",
    "too_short": "at least one",
}


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the field names that a model knows at `path`."""
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if isinstance(part, str) and hasattr(current, "model_fields") else None
        inner = _inner_model(field.annotation) if field else None
        current = inner or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - typing's forms have no common type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _inner_model(argument):
            return found
    return None
