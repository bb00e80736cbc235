"""Strategists' own tests as they are run: the whole submission, what to expect, and where the test is written.

`sluice strategy check` runs them; here they are read from strategies and from `tests/*.yaml`, and filled in.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iso3166 import countries_by_alpha2
from pydantic import ValidationError

from service.contracts.submission import TEXT_FIELDS, Submission
from service.strategy.documents import Document
from service.strategy.expectations import Expectation, TestEntry, TestsFile
from service.strategy.files import BundleFiles
from service.strategy.layers import Layer
from service.strategy.problems import Problem, Where, suggest
from service.strategy.reader import Reader
from service.strategy.reading import explain_errors
from service.strategy.scalars import ANY
from service.strategy.schema import BundleFile, Scope

_SUBMITTED_AT = "2026-01-01T00:00:00Z"
_ADVERTISER = {"id": "test-advertiser", "created_at": "2020-01-01T00:00:00Z", "trust_tier": "standard"}
_TEXT = "An ordinary ad"
_PLAIN = {"vertical": "retail", "market": "GB", "product": "feed"}


@dataclass(frozen=True)
class StrategyTest:
    """One test: moderate `submission` with `scores` in place of the classifier's at `as_of`, and see what is expected.

    `as_of` is None where the test does not care about the time.
    """

    name: str
    submission: Submission
    scores: Mapping[str, float]
    as_of: datetime | None
    expect: Expectation
    where: Where


def read_tests(
    files: BundleFiles, layers: Iterable[Layer], shared: BundleFile | None, reader: Reader
) -> tuple[list[StrategyTest], list[Problem]]:
    """Return all tests of a bundle, those of strategies first, and what is wrong with them."""
    tests: list[StrategyTest] = []
    problems: list[Problem] = []
    merged = list(layers)
    known = _Known(merged, shared)
    for layer in merged:
        tests += known.build(layer.document, layer.strategy.tests, layer.strategy.scope, problems)
    for name in sorted(name for name in files if name.startswith("tests/")):
        read = reader.read(name, files[name], TestsFile)
        if isinstance(read, list):
            problems += read
        else:
            document, file = read
            tests += known.build(document, file.tests, Scope(), problems)
    return tests, problems


class _Known:
    """What a test may name."""

    def __init__(self, layers: list[Layer], shared: BundleFile | None) -> None:
        self._shared = shared
        self._rules = {source.entry.id for layer in layers for source in layer.rules}
        self._strategies = {layer.id for layer in layers}
        self._scored = {policy for layer in layers for policy in layer.strategy.thresholds}

    def build(
        self, document: Document, entries: Iterable[TestEntry], scope: Scope, problems: list[Problem]
    ) -> Iterator[StrategyTest]:
        for index, entry in enumerate(entries):
            problems += self._check(document, index, entry)
            submission = _fill_in(document, index, entry, scope)
            if isinstance(submission, Submission):
                where = document.where(("tests", index))
                yield StrategyTest(entry.name, submission, entry.scores, entry.as_of, entry.expect, where)
            else:
                problems += submission

    def _check(self, document: Document, index: int, entry: TestEntry) -> Iterator[Problem]:
        for path, what, known in self._names(entry):
            name = str(path[-1] if path[0] == "scores" else _look_up(entry, path))
            if name not in known:
                place = ("tests", index, *path)
                yield document.problem(place, what.format(name), suggest(name, known), of_key=path[0] == "scores")

    def _names(self, entry: TestEntry) -> Iterator[tuple[tuple[str | int, ...], str, Collection[str]]]:
        """Yield the place of each name in a test, what is wrong if it is not known, and what is known."""
        for policy in entry.scores:
            yield ("scores", policy), "no policy '{}' has a score", self._scored
        for field in ("rule", "not_rule"):
            for number in range(len(getattr(entry.expect, field))):
                yield ("expect", field, number), "no strategy has a rule '{}'", self._rules
        if entry.expect.strategy:
            yield ("expect", "strategy"), "unknown strategy '{}'", self._strategies
        if self._shared is None:
            return
        for number in range(len(entry.expect.policy)):
            yield ("expect", "policy", number), "unknown policy '{}'", self._shared.policies
        for name, closed in (("vertical", self._shared.verticals), ("product", self._shared.products)):
            if closed and name in entry.ad:
                yield ("ad", name), f"unknown {name} '{{}}'", closed


def _look_up(entry: TestEntry, path: tuple[str | int, ...]) -> object:
    part, field, *number = path
    value = entry.ad[str(field)] if part == "ad" else getattr(entry.expect, str(field))
    return value[number[0]] if number else value


def _fill_in(document: Document, index: int, entry: TestEntry, scope: Scope) -> Submission | list[Problem]:
    at = ("tests", index, "ad")
    unknown = [
        document.problem((*at, *path), f"unknown field '{path[-1]}'", suggest(path[-1], fields), of_key=True)
        for path, fields in _find_unknown(entry.ad)
    ]
    if unknown:
        return unknown
    try:
        return Submission.model_validate(_complete(entry, scope, document.file, index))
    except ValidationError as error:
        return explain_errors(document, Submission, error, at)


def _find_unknown(ad: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield fields that a submission does not have: platforms may send more, a test means something by it."""
    for name, value in ad.items():
        field = Submission.model_fields.get(name)
        if field is None:
            yield (name,), list(Submission.model_fields)
            continue
        inner = getattr(field.annotation, "model_fields", None)
        if inner and isinstance(value, dict):
            yield from (((name, part), list(inner)) for part in value if part not in inner)


def _complete(entry: TestEntry, scope: Scope, file: str, index: int) -> dict[str, Any]:
    """Return the submission's fields: those given, then the scope's single values, then ordinary ones."""
    ad = dict(entry.ad)
    for name, usual in _PLAIN.items():
        values = getattr(scope, name)
        ad.setdefault(name, usual if ANY in values else values[0])
    advertiser, creative = ad.get("advertiser", {}), ad.get("creative", {})
    if isinstance(advertiser, dict):
        home = {"country": ad["market"]} if ad["market"] in countries_by_alpha2 else {}
        ad["advertiser"] = {**_ADVERTISER, **home, **advertiser}
    if isinstance(creative, dict) and not any(path.removeprefix("creative.") in creative for path in TEXT_FIELDS):
        # An ad without any text is a failure of its own, which a test of a link does not mean.
        ad["creative"] = {"headline": _TEXT, **creative}
    submitted = entry.as_of.isoformat() if entry.as_of else _SUBMITTED_AT
    head = {"schema_version": 1, "ad_id": f"{file}:{index + 1}", "revision": 1, "submitted_at": submitted}
    return {**head, **ad}
