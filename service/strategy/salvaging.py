"""Reads what is sound in a file whose shape has mistakes, so that one run tells the mistakes of meaning too.

A value that does not fit is left out, or stands in as something that says nothing. What comes of it is only looked at,
never compiled: the mistakes of shape have been told, and a bundle with a mistake is not loaded.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from service.strategy.documents import Document, plain
from service.strategy.reading import Model
from service.strategy.schema import BundleFile

_ATTEMPTS = 5
_POLICY = {
    "title": "-",
    "ground": {"kind": "terms", "reference": "-"},
    "message": "-",
    "harm_weight": 1.0,
    "review_sla_minutes": 1,
    "rules_may_approve": True,
}
_STAND_INS: dict[str, Any] = {
    "schema_version": 1,
    "version": "0",
    "how_to_appeal": "-",
    "failure_sla_minutes": 1,
    "id": "unreadable",
    "owner": "-",
    "description": "-",
    "scope": {},
}
"""For fields that a file must have. `policies` has none: without them every name of a policy would look wrong."""


def salvage(document: Document, model: type[Model]) -> Model | None:
    """Return what can be read of a document that does not fit the model; None if too little is left."""
    value = plain(document.content)
    for _ in range(_ATTEMPTS):
        try:
            return model.model_validate(value)
        except ValidationError as error:
            # From the last item of a list to the first, and what lies deep before what holds it.
            for detail in sorted(error.errors(), key=lambda one: [str(part) for part in one["loc"]], reverse=True):
                if not _leave_out(value, _resolve(value, detail["loc"]), detail, model):
                    return None
    return None


def _resolve(value: Any, location: Sequence[str | int]) -> list[str | int]:  # noqa: ANN401 - YAML holds anything
    """Return the part of pydantic's location that the value has."""
    path: list[str | int] = []
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):  # such as "[key]", or the name of what is missing
            continue
        path.append(part)
    return path


def _leave_out(value: dict[str, Any], path: list[str | int], error: Any, model: type[BaseModel]) -> bool:  # noqa: ANN401
    """Change the value so that this mistake is gone; tell whether that was possible."""
    if len(error["loc"]) > len(path) + 1:
        return True  # it went with what holds it, for another mistake
    if len(path) <= 1:
        name = str(path[0] if path else error["loc"][-1] if error["loc"] else "")
        if path and name not in _STAND_INS:
            del value[name]
            return True
        return _stand_in(value, name)
    part, item, *rest = path
    if model is BundleFile and part == "policies":
        value["policies"][item] = dict(_POLICY)
    elif part == "tests":
        value["tests"] = []
    elif part == "rules" and (not rest or rest[0] == "id"):
        value["rules"][item] = {"id": f"unreadable-{item}"}
    elif part == "rules":
        # The whole field: half of a match would be told as another mistake.
        value["rules"][item].pop(rest[0], None)
    else:
        _delete(value, path)
    return True


def _stand_in(value: dict[str, Any], name: str) -> bool:
    if name not in _STAND_INS or value.get(name) == _STAND_INS[name]:
        return False
    value[name] = _STAND_INS[name]
    return True


def _delete(value: Any, path: list[str | int]) -> None:  # noqa: ANN401 - YAML holds anything
    """Delete the innermost field on the path; of a list, which has no holes, the field that holds it."""
    holders = [value]
    for part in path[:-1]:
        holders.append(holders[-1][part])
    for holder, part in zip(reversed(holders), reversed(path), strict=True):
        if isinstance(holder, dict):
            holder.pop(part, None)
            return
