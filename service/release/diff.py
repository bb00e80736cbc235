"""Compares two bundles by what they say, not by their text: strategies, thresholds, rules, policies, list entries.

Comments, order of keys, and how a number is written are no difference. Works on any two sets of files, also on a
bundle that this release cannot compile, so that old versions can always be compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from service.strategy.files import SHARED_FILE, BundleFiles

Kind = Literal["added", "removed", "changed"]
_BY_ID = ("rules", "tests")
_NAMES = ("id", "name")


class Change(NamedTuple):
    """One difference at `where`, a path such as "strategy gambling-gb", "thresholds", "gambling"; values as text."""

    kind: Kind
    where: tuple[str, ...]
    old: str = ""
    new: str = ""


class ListChange(NamedTuple):
    """What a list has more and less, in the order of its lines."""

    file: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


class BundleDiff(NamedTuple):
    """All differences: of what is written in YAML, and of lists."""

    changes: tuple[Change, ...]
    lists: tuple[ListChange, ...]


def diff_bundles(old: BundleFiles, new: BundleFiles) -> BundleDiff:
    """Return what `new` has otherwise than `old`."""
    return BundleDiff(tuple(_diff_documents(_read_documents(old), _read_documents(new))), tuple(_diff_lists(old, new)))


def _read_documents(files: BundleFiles) -> dict[str, Any]:
    """Return the YAML files by what they are: "bundle", "strategy ID" wherever it stands, "rules/shared.yaml"."""
    documents: dict[str, Any] = {}
    for name in sorted(files):
        if not name.endswith(".yaml"):
            continue
        found = _read_yaml(files[name])
        is_strategy = "/" not in name and name != SHARED_FILE and isinstance(found, dict) and "id" in found
        label = "bundle" if name == SHARED_FILE else f"strategy {found.pop('id')}" if is_strategy else name
        documents[label] = found
    return documents


def _read_yaml(content: bytes) -> Any:  # noqa: ANN401 - YAML holds anything
    try:
        return YAML(typ="base", pure=True).load(content.decode())
    except (YAMLError, ValueError, RecursionError):
        return content.decode(errors="replace")


def _diff_documents(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for label in sorted(
        old.keys() | new.keys(), key=lambda one: (one != "bundle", not one.startswith("strategy"), one)
    ):
        if label not in new:
            yield Change("removed", (label,))
        elif label not in old:
            yield Change("added", (label,), new=_describe(new[label]))
        else:
            yield from _diff_values((label,), old[label], new[label])


def _diff_values(where: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:  # noqa: ANN401 - YAML holds anything
    old, new = _name_items(where, old), _name_items(where, new)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            place = (*where, str(name))
            if name not in new:
                yield Change("removed", place, _show(old[name]))
            elif name not in old:
                yield Change("added", place, new=_show(new[name]))
            else:
                yield from _diff_values(place, old[name], new[name])
    elif _normalise(old) != _normalise(new):
        yield Change("changed", where, _show(old), _show(new))


def _name_items(where: tuple[str, ...], value: Any) -> Any:  # noqa: ANN401
    """Return a list of rules or tests as a mapping by their ids or names, so that each is compared with itself."""
    if not isinstance(value, list) or where[-1] not in _BY_ID or not all(isinstance(one, dict) for one in value):
        return value
    named: dict[str, Any] = {}
    for number, one in enumerate(value):
        name = next((str(one[key]) for key in _NAMES if key in one), f"#{number + 1}")
        named[name if name not in named else f"{name} #{number + 1}"] = {
            k: v for k, v in one.items() if k not in _NAMES
        }
    return named


def _normalise(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {str(key): _normalise(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_normalise(item) for item in value]
        return items[0] if len(items) == 1 else items  # one value may stand without brackets
    try:
        return float(value)
    except (TypeError, ValueError):
        return " ".join(str(value).split())


def _show(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_show, value)) + "]"
    return " ".join(str(value).split())


def _describe(document: Any) -> str:  # noqa: ANN401
    if not isinstance(document, dict):
        return ""
    rules = document.get("rules")
    count = f"{len(rules)} rules" if isinstance(rules, list) else ""
    return ", ".join(part for part in (_show(document.get("scope", "")), count) if part)


def _diff_lists(old: BundleFiles, new: BundleFiles) -> Iterator[ListChange]:
    for file in sorted({name for name in (*old, *new) if name.startswith("lists/")}):
        if old.get(file) == new.get(file):
            continue
        before, after = (dict.fromkeys(_read_entries(files.get(file, b""))) for files in (old, new))
        added = tuple(entry for entry in after if entry not in before)
        removed = tuple(entry for entry in before if entry not in after)
        if added or removed or (file in old) != (file in new):
            yield ListChange(file, added, removed)


def _read_entries(content: bytes) -> Iterable[str]:
    for line in content.decode(errors="replace").removeprefix("\ufeff").split("\n"):
        if entry := (" " + line).split(" #", 1)[0].strip():
            yield entry
