"""Checks the shape of a bundle's YAML files against their models; each mistake becomes a problem with its place."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from service.strategy.documents import Document, plain, read_yaml
from service.strategy.problems import Problem, suggest
from service.strategy.scalars import suggest_market

Model = TypeVar("Model", bound=BaseModel)


def validate(document: Document, model: type[Model]) -> Model | list[Problem]:
    """Return the document as a model, or all that is wrong with its shape."""
    try:
        return model.model_validate(plain(document.content))
    except ValidationError as error:
        return explain_errors(document, model, error)


def explain_errors(
    document: Document, model: type[BaseModel], error: ValidationError, at: Sequence[str | int] = ()
) -> list[Problem]:
    """Return what pydantic found wrong with the value at `at`, each with its place in the document."""
    return [_explain(document, model, dict(detail), at) for detail in error.errors(include_url=False)]


def _explain(document: Document, model: type[BaseModel], error: dict[str, Any], at: Sequence[str | int]) -> Problem:
    path, kind, message = error["loc"], error["type"], str(error["msg"])
    place = (*at, *(part for part in path if part != "[key]"))
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        return document.problem(place, f"unknown field '{name}'", suggest(name, known), of_key=True)
    if kind == "missing":
        where = ".".join(map(str, place[:-1])) or "the file"
        return document.problem(place, f"field '{name}' is missing in {where}", f"add '{name}:'")
    message = message.removeprefix("Value error, ")
    if kind == "unknown_country":
        message = message.split(";", maxsplit=1)[0]  # the rest is a remedy for platforms
    first = message[:1].lower() if message[1:2].islower() else message[:1]
    what = f"{'.'.join(map(str, (*at, *path)))}: {first}{message[1:]}"
    return document.problem(place, what, _find_remedy(kind, error), of_key="[key]" in path)


def _find_remedy(kind: str, error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    if kind == "remedied":
        return str(context["remedy"])
    if kind == "unknown_country":
        return suggest_market(str(context["code"])).removesuffix(", or any")
    if kind in {"literal_error", "enum"}:
        expected = str(context["expected"])
        names = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
        given = str(error["input"])
        # The list of what is possible says it all unless one of them is near.
        near = suggest(given, names) if given not in {"", "None"} else ""
        return near if near.startswith("did you mean") else f"write one of {expected}"
    if kind == "string_type" and isinstance(error["input"], bool | int | float):
        shown = str(error["input"]).lower() if isinstance(error["input"], bool) else str(error["input"])
        return f"""write it in quotes, such as "{shown}": YAML takes it for a {_name_type(error["input"])}"""
    return "write " + _REMEDIES.get(kind, "a value that fits")


def _name_type(value: object) -> str:
    return "truth value" if isinstance(value, bool) else "number"


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
    "timezone_aware": "a time with its zone, such as 2026-11-01T00:00:00Z",
    "rfc3339_type": "a time with its zone, such as 2026-11-01T00:00:00Z",
    "datetime_from_date_parsing": "a time with its zone, such as 2026-11-01T00:00:00Z",
    "datetime_parsing": "a time with its zone, such as 2026-11-01T00:00:00Z",
}


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the field names that a model knows at `path`."""
    current: Any = model
    for part in path:
        by_name = {field.alias or name: field for name, field in current.model_fields.items()}
        field = by_name.get(part) if isinstance(part, str) else None
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


__all__ = ["Document", "explain_errors", "read_yaml", "validate"]
