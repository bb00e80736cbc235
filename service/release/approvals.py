"""Which strategies of a bundle need several people's signatures, and whether a change of the bundle has them.

A strategy with `approvals: N` is guarded: a hash over everything its rulings depend on stands in the signed entry that
publishes the bundle, so the fold of the ledger can count signatures without reading a bundle, and a worker that reads
the bundle checks the hash by the files. On what they depend is judged broadly, because a missed dependency would let
one person change what two have to agree on: the strategy, every strategy that shares an ad with it, all they include,
bundle.yaml, and the lists that it, or a narrower strategy, names. A list that only broader strategies name counts if
one of their rules approves or lowers by it; otherwise the lists that are edited daily would need two people everywhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from service.contracts.ledger import Guard
from service.strategy.files import LIST_KINDS, MAX_BUNDLE_BYTES, SHARED_FILE, BundleFiles

_UNGUARDED_FIELDS = frozenset({"tests", "owner", "description"})
_UNGUARDED_SHARED = frozenset({"version", "schema_version", "verticals", "products", "cost_budget_us"})
_LENIENT = frozenset({"approve", "lower"})
_MOST_APPROVALS = 16
_NAMED = 5
_DIMENSIONS = ("market", "vertical", "product")


class ApprovalsMissingError(ValueError):
    """Fewer people have signed than a changed strategy asks for; the text names strategy and remedy."""


class GuardsWrongError(ValueError):
    """Which strategies a bundle guards cannot be told, or an entry does not tell it truly; do not use the bundle."""


def require_approvals(old: Mapping[str, Guard], new: Mapping[str, Guard], signers: AbstractSet[str] | None) -> None:
    """Raise ApprovalsMissingError unless enough have signed for each guarded strategy that differs; None: all may."""
    if signers is None:
        return
    lacking = {name: needed for name, needed in find_needed(old, new).items() if needed > len(signers)}
    if not lacking:
        return
    have = f"{len(signers)} ({', '.join(sorted(signers))})" if signers else "none"
    first, more = ", ".join(list(lacking)[:_NAMED]), len(lacking) - _NAMED
    what = f"strategy '{first}' changes and needs" if len(lacking) == 1 else f"strategies {first} change and need"
    if more > 0:
        what = f"strategies {first} and {more} more change and need"
    text = f"{what} {max(lacking.values())} people's signatures, there are {have}"
    raise ApprovalsMissingError(f"{text}; let another person run `sluice strategy approve`")


def find_needed(old: Mapping[str, Guard], new: Mapping[str, Guard]) -> dict[str, int]:
    """Return strategy → signatures needed, for each guarded one that is added, removed or changed."""
    return {
        name: max(guards[name].approvals for guards in (old, new) if name in guards)
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def check_guards(told: Mapping[str, Guard], files: BundleFiles) -> None:
    """Raise GuardsWrongError unless `told`, from a signed entry, is what the files say."""
    if dict(told) != (found := find_guards(files)):
        names = ", ".join(sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name)))
        text = f"the entry does not say truly which strategies need several signatures ({names})"
        raise GuardsWrongError(f"{text}; publish by the `sluice` of the workers' release")


def find_guards(files: BundleFiles) -> dict[str, Guard]:
    """Return the guarded strategies of a bundle. Files that are no YAML mapping are left out: they never compile."""
    roots = [name for name in sorted(files) if name.endswith(".yaml") and "/" not in name and name != SHARED_FILE]
    if not any(b"approvals" in files[name] for name in roots):
        return {}  # no YAML has to be read for the most bundles
    strategies = [found for name in roots if (found := _read_mapping(files[name])).get("id")]
    shared = _hash(_drop(_read_mapping(files.get(SHARED_FILE, b"")), _UNGUARDED_SHARED))
    parts = [_Part(one, list(_follow_includes(one, files))) for one in strategies]
    return {
        part.id: Guard(approvals=part.approvals, sha256=_hash_guarded(part, parts, shared, files))
        for part in parts
        if part.approvals > 1
    }


class _Part:
    """One strategy with the rule files that it includes, as far as guards ask about them."""

    def __init__(self, strategy: dict[str, Any], included: list[dict[str, Any]]) -> None:
        self.id = str(strategy["id"])
        self.approvals = _count_approvals(strategy)
        self.scope = {name: {*map(str, _as_list(_get(strategy.get("scope"), name)))} or {"any"} for name in _DIMENSIONS}
        self.sha256 = _hash([_drop(strategy, _UNGUARDED_FIELDS), included])
        documents = [strategy, *included]
        self.rules = [rule for one in documents for rule in _as_list(one.get("rules")) if isinstance(rule, dict)]

    def overlaps(self, other: "_Part") -> bool:
        """Tell whether there is an ad that both are for."""
        pairs = ((self.scope[name], other.scope[name]) for name in _DIMENSIONS)
        return all("any" in a or "any" in b or a & b for a, b in pairs)

    def is_within(self, other: "_Part") -> bool:
        """Tell whether all ads that it is for are the other's too."""
        pairs = ((self.scope[name], other.scope[name]) for name in _DIMENSIONS)
        return all("any" in b or ("any" not in a and a <= b) for a, b in pairs)


def _count_approvals(strategy: dict[str, Any]) -> int:
    told = str(strategy.get("approvals", "1"))
    return min(int(told), _MOST_APPROVALS) if told.isdecimal() and len(told) < len("1000") else 1


def _hash_guarded(guarded: _Part, parts: Sequence[_Part], shared: str, files: BundleFiles) -> str:
    near = [part for part in parts if part.overlaps(guarded)]
    rules = [(part.is_within(guarded), rule) for part in near for rule in part.rules]
    own = {str(rule.get("id")) for within, rule in rules if within}
    asked = [rule for _, rule in rules if str(rule.get("id")) in own or _LENIENT & {*map(str, rule.values())}]
    lists = {name for rule in asked for name in _name_lists(rule, files)}
    contents = {name: hashlib.sha256(files[name]).hexdigest() for name in lists}
    return _hash([shared, sorted(part.sha256 for part in near), contents])


def _hash(value: Any) -> str:  # noqa: ANN401 - what YAML holds
    digest, letters = hashlib.sha256(), 0
    for piece in json.JSONEncoder(sort_keys=True).iterencode(value):
        digest.update(piece.encode())
        letters += len(piece)
        if letters > MAX_BUNDLE_BYTES:  # YAML's aliases can make little text into endless content
            raise GuardsWrongError("a strategy's aliases expand without end; write it without aliases")
    return digest.hexdigest()


def _read_mapping(content: bytes) -> dict[str, Any]:
    try:
        # Scalars as they are written: a library that reads dates in another way would change every hash.
        found = YAML(typ="base", pure=True).load(content.decode())
    except (YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _follow_includes(start: dict[str, Any], files: BundleFiles) -> Iterator[dict[str, Any]]:
    waiting, seen = list(_as_list(start.get("include"))), set[str]()
    while waiting:
        name = str(waiting.pop(0))
        if name not in seen and name in files:
            seen.add(name)
            found = _read_mapping(files[name])
            waiting += _as_list(found.get("include"))
            yield found


def _name_lists(rule: dict[str, Any], files: BundleFiles) -> Iterator[str]:
    """Yield the list files that a rule may look into: those of its match, and those that its conditions speak of."""
    match, conditions = rule.get("match"), " ".join(map(str, _as_list(rule.get("when"))))
    for name in files:
        folder, _, file = name.rpartition("/")
        kind, stem = folder.removeprefix("lists/"), file.removesuffix(".txt")
        if kind in LIST_KINDS and (stem in map(str, _as_list(_get(match, kind))) or stem in conditions):
            yield name


def _get(mapping: Any, name: str) -> Any:  # noqa: ANN401 - YAML holds anything
    return mapping.get(name) if isinstance(mapping, dict) else None


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - YAML holds anything
    return value if isinstance(value, list) else [] if value is None else [value]


def _drop(mapping: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}
