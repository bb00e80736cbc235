"""Reads a record's bytes into a submission, or says why it cannot: the first step of an ad's way.

Every refusal is an `UnreadableSubmissionError`, whose `DeadLetter` names the place and the remedy.
Ambiguous JSON (a key twice, NaN) is refused because two readers would see two different ads.
"""

import json
from typing import Any, NoReturn

from pydantic import ValidationError

from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.contracts.submission import MAX_SUBMISSION_BYTES, Advertiser, Creative, Submission

_MAX_NAME_CHARS = 64
_MAX_MESSAGE_CHARS = 1_000
_MAX_ERRORS_TOLD = 5
_MAX_UNKNOWN_TOLD = 32
_KNOWN = {
    "": frozenset(Submission.model_fields),
    "advertiser": frozenset(Advertiser.model_fields),
    "creative": frozenset(Creative.model_fields),
}


class UnreadableSubmissionError(ValueError):
    """The bytes are not a submission; `dead_letter` says why."""

    def __init__(self, dead_letter: DeadLetter) -> None:
        super().__init__(dead_letter.message)
        self.dead_letter = dead_letter


def read_submission(value: bytes | None) -> tuple[Submission, tuple[str, ...]]:
    """Return the submission in `value` and the paths of the fields that are not known.

    Raises UnreadableSubmissionError; nothing else, whatever the bytes are.
    """
    try:
        fields = _parse_object(_decode(value))
        return Submission.model_validate(fields), _find_unknown(fields)
    except ValidationError as error:
        raise _refuse_fields(error) from None
    except UnreadableSubmissionError:
        raise
    except Exception as error:  # a fault of ours must become a dead letter, not a lost ad
        message = f"the reader failed with {type(error).__name__}: {error}; this is a fault of Sluice: report, replay"
        raise _refuse(Unreadable.READER_FAILED, "value", message, CausedBy.SERVICE) from error


def _decode(value: bytes | None) -> str:
    if not value:
        raise _refuse(Unreadable.EMPTY, "value", "the record has no value; send the submission as JSON")
    if len(value) > MAX_SUBMISSION_BYTES:
        text = f"the value has {len(value):,} bytes, more than {MAX_SUBMISSION_BYTES:,}; shorten transcript, image_text"
        raise _refuse(Unreadable.TOO_LARGE, "value", text)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        text = f"byte {error.start} is not UTF-8 ({error.reason}); encode the JSON as UTF-8"
        raise _refuse(Unreadable.NOT_UTF8, f"byte {error.start}", text) from None


def _parse_object(text: str) -> dict[str, Any]:
    try:
        fields = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg} at line {error.lineno} column {error.colno}; send one JSON object a record"
        raise _refuse(Unreadable.NOT_JSON, f"character {error.pos}", message) from None
    except RecursionError:
        message = "the JSON is nested too deeply to be a submission, which needs 2 levels; flatten it"
        raise _refuse(Unreadable.TOO_DEEP, "value", message) from None
    except UnreadableSubmissionError:
        raise
    except ValueError:
        # int() refuses to read more digits than sys.get_int_max_str_digits()
        raise _refuse(Unreadable.INVALID_FIELD, "value", "an integer has thousands of digits; send 64 bits") from None
    if not isinstance(fields, dict):
        raise _refuse(Unreadable.INVALID_FIELD, "value", f"the value is a JSON {_name_type(fields)}; send one object")
    return fields


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        shown = _show_name(key)
        text = f"the key '{shown}' occurs twice in one object; which value counts is not defined: send it once"
        raise _refuse(Unreadable.DUPLICATE_KEY, shown, text)
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise _refuse(Unreadable.NOT_A_NUMBER, "value", f"{name} is not JSON; leave the field out or send a finite number")


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant)


def _find_unknown(fields: dict[str, Any]) -> tuple[str, ...]:
    unknown: list[str] = []
    for parent, known in _KNOWN.items():
        members = fields[parent] if parent else fields
        if not members.keys() <= known:
            prefix = f"{parent}." if parent else ""
            unknown += [prefix + _show_name(name) for name in members.keys() - known]
    return tuple(sorted(unknown)[:_MAX_UNKNOWN_TOLD])


def _refuse_fields(error: ValidationError) -> UnreadableSubmissionError:
    told = error.errors(include_url=False, include_context=False, include_input=False)
    faults = {_name_place(e["loc"]): _word_fault(e["loc"], e["msg"]) for e in told}
    lines = [f"{place}: {fault}" for place, fault in faults.items()][:_MAX_ERRORS_TOLD]
    if len(faults) > _MAX_ERRORS_TOLD:
        lines.append(f"and {len(faults) - _MAX_ERRORS_TOLD} more")
    return _refuse(Unreadable.INVALID_FIELD, _name_place(told[0]["loc"]), "; ".join(lines))


def _name_place(location: tuple[int | str, ...]) -> str:
    # A union's branches ('bool', 'str', ...) are pydantic's words, not places in the sender's record.
    if location[:1] == ("attributes",):
        location = location[:2]
    return ".".join(_show_name(str(part)) for part in location) or "value"


def _word_fault(location: tuple[int | str, ...], message: str) -> str:
    # Of a union pydantic tells one fault a branch; one sentence for all of them reads better.
    if location[:1] == ("attributes",) and location[2:3] != ("[key]",) and len(location) > 2:  # noqa: PLR2004
        return "must be true, false, null, a 64-bit integer, a finite number or a string of at most 1,000 characters"
    return message[:1].lower() + message[1:]


def _show_name(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()[:_MAX_NAME_CHARS].replace("\x00", "\\x00")


def _name_type(value: object) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")


def _refuse(
    error: Unreadable, place: str, message: str, caused_by: CausedBy = CausedBy.SENDER
) -> UnreadableSubmissionError:
    return UnreadableSubmissionError(DeadLetter(error, caused_by, place, message[:_MAX_MESSAGE_CHARS]))
