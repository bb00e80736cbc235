"""Words a refused field: where it is and what the sender has to change. Used by `reading` alone.

pydantic's own texts speak of dictionaries, patterns and branches of unions; a sender of JSON needs the remedy.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

_MAX_NAME_CHARS = 64
_MAX_FAULTS_TOLD = 5

_ATTRIBUTE_VALUE = (
    "must be true, false, null, a 64-bit integer, a finite number or a string of at most 1,000 characters"
)
_ID = "must have no white space and no control characters"
_SLUG = "must be lower-case letters, digits, '_', '.' or '-', such as 'real_estate'"
_FORMS = {
    "ad_id": _ID,
    "advertiser.id": _ID,
    "vertical": _SLUG,
    "product": _SLUG,
    "language": "must be a BCP 47 tag such as 'de' or 'pt-BR'; leave it out if it is not known",
}
_REMEDIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing; send it",
    "string_type": lambda _: "must be a string",
    "string_unicode": lambda _: "holds half of a surrogate pair, which is no character; send whole characters",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda limits: f"must have at most {limits['max_length']:,} characters; shorten it",
    "too_long": lambda limits: f"must have at most {limits['max_length']} entries; leave some out",
    "int_type": lambda _: "must be an integer",
    "greater_than_equal": lambda limits: f"must be at least {limits['ge']}",
    "less_than_equal": lambda limits: f"must be at most {limits['le']}",
    "enum": lambda limits: f"must be one of {limits['expected']}",
    "literal_error": lambda limits: f"must be {limits['expected']}",
    "model_type": lambda _: "must be a JSON object",
    "dict_type": lambda _: "must be a JSON object",
    "timezone_aware": lambda _: "has no zone; end it with 'Z' or an offset such as '+01:00'",
}


def word_faults(error: ValidationError) -> tuple[str, str]:
    """Return the path of the first refused field, and one text about the first five."""
    told = error.errors(include_url=False, include_input=False)
    faults: dict[str, str] = {}
    for fault in told:
        faults.setdefault(_name_place(fault["loc"]), _word_fault(fault["loc"], fault["type"], fault))
    lines = [f"{place}: {text}" for place, text in faults.items()][:_MAX_FAULTS_TOLD]
    if len(faults) > _MAX_FAULTS_TOLD:
        lines.append(f"and {len(faults) - _MAX_FAULTS_TOLD} more")
    return next(iter(faults)), "; ".join(lines)


def show_name(name: str) -> str:
    """Return a sender's name for something, fit for a header and a log: cut, and escaped where it does not print."""
    return escape(name[:_MAX_NAME_CHARS])


def escape(text: str) -> str:
    """Return `text` with what does not print (controls, half surrogate pairs, line breaks) as an escape sequence."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _name_place(location: tuple[int | str, ...]) -> str:
    # A union's branches ('bool', 'str', ...) are pydantic's words, not places in the sender's record.
    if location[:1] == ("attributes",):
        location = location[:2]
    return ".".join(show_name(str(part)) for part in location) or "value"


def _word_fault(location: tuple[int | str, ...], kind: str, fault: Mapping[str, Any]) -> str:
    if location[:1] == ("attributes",) and len(location) > 1:
        if location[-1] != "[key]":
            return _ATTRIBUTE_VALUE
        return "the name must start with a letter or '_' and go on with at most 63 letters, digits, '_', '.' or '-'"
    if kind == "string_pattern_mismatch":
        return _FORMS[_name_place(location)]
    if kind.startswith("datetime_"):
        return f"is no time: {fault['ctx']['error']}; send RFC 3339 such as '2026-01-31T09:30:00Z'"
    remedy = _REMEDIES.get(kind)
    return remedy(fault.get("ctx", {})) if remedy else _lower(fault["msg"])


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
