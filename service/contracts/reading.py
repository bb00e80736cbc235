"""Reads a record's bytes into a submission, or says why it cannot: the first step of an ad's way.

Every refusal is an `UnreadableSubmissionError`, whose `DeadLetter` names the place and the remedy.
Ambiguous JSON (a key twice, NaN) is refused because two readers would see two different ads.
"""

import json
import re
from heapq import nsmallest
from typing import Any, NoReturn

from pydantic import ValidationError

from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.contracts.fault import escape, show_name, word_faults
from service.contracts.submission import MAX_ATTRIBUTES, MAX_SUBMISSION_BYTES, Advertiser, Creative, Submission

MAX_DEPTH = 32
"""Levels of nesting that are read; a submission needs 2, fields that are not known may need some more."""

_MAX_MESSAGE_CHARS = 1_000
_MAX_UNKNOWN_TOLD = 32
_KNOWN = {
    "": frozenset(Submission.model_fields),
    "advertiser": frozenset(Advertiser.model_fields),
    "creative": frozenset(Creative.model_fields),
}
# A whole string (or what is left of one that never ends), else one token that a refusal has to find.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{\]}]|NaN|-?Infinity|\d{1000,}', re.DOTALL)


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
        return _validate(fields), _find_unknown(fields)
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
    if value.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00")) or value[1:2] == b"\x00":
        raise _refuse(Unreadable.NOT_UTF8, "byte 0", "the value looks like UTF-16 or UTF-32; encode the JSON as UTF-8")
    if value.startswith(b"\xef\xbb\xbf"):
        raise _refuse(Unreadable.NOT_JSON, "byte 0", "the value starts with a byte order mark; send UTF-8 without one")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        text = f"byte {error.start} is not UTF-8 ({error.reason}); encode the JSON as UTF-8"
        raise _refuse(Unreadable.NOT_UTF8, f"byte {error.start}", text) from None


def _parse_object(text: str) -> dict[str, Any]:
    _refuse_depth(text)
    try:
        fields = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        message = f"not JSON: {what} at line {error.lineno} column {error.colno}; send one JSON object a record"
        raise _refuse(Unreadable.NOT_JSON, f"character {error.pos}", message) from None
    except _ConstantError as error:
        message = f"{error} is not JSON; leave the field out or send a finite number"
        raise _refuse(Unreadable.NOT_A_NUMBER, _locate(text, str(error)), message) from None
    except UnreadableSubmissionError:
        raise
    except ValueError:
        # int() refuses to read more digits than sys.get_int_max_str_digits()
        message = "an integer has thousands of digits; send at most 64 bits"
        raise _refuse(Unreadable.INVALID_FIELD, _locate(text, ""), message) from None
    if not isinstance(fields, dict):
        raise _refuse(Unreadable.INVALID_FIELD, "value", f"the value is a JSON {_name_type(fields)}; send one object")
    return fields


def _refuse_depth(text: str) -> None:
    # Left to the parser, the limit would be what the caller's stack leaves of Python's recursion limit.
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            message = f"the JSON is nested deeper than {MAX_DEPTH} levels; a submission needs 2: flatten it"
            raise _refuse(Unreadable.TOO_DEEP, f"character {token.start()}", message)


def _locate(text: str, wanted: str) -> str:
    for token in _TOKEN.finditer(text):
        if token[0] == wanted or (not wanted and token[0].isdigit()):
            return f"character {token.start()}"
    return "value"


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        shown = show_name(key) or "''"
        text = f"the key '{show_name(key)}' occurs twice in one object; which value counts is not defined: send it once"
        raise _refuse(Unreadable.DUPLICATE_KEY, shown, text)
    return fields


class _ConstantError(Exception):
    """JSON has no NaN and no Infinity, but Python's parser would read them."""


def _refuse_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant)


def _validate(fields: dict[str, Any]) -> Submission:
    # pydantic would look at each of a hundred thousand attributes and word five faults for every one
    attributes = fields.get("attributes")
    if isinstance(attributes, dict) and len(attributes) > MAX_ATTRIBUTES:
        message = f"attributes: must have at most {MAX_ATTRIBUTES} entries; leave some out"
        raise _refuse(Unreadable.INVALID_FIELD, "attributes", message)
    try:
        return Submission.model_validate(fields)
    except ValidationError as error:
        raise _refuse(Unreadable.INVALID_FIELD, *word_faults(error)) from None


def _find_unknown(fields: dict[str, Any]) -> tuple[str, ...]:
    unknown: list[str] = []
    for parent, known in _KNOWN.items():
        members = fields[parent] if parent else fields
        if not members.keys() <= known:
            prefix = f"{parent}." if parent else ""
            unknown += [prefix + show_name(name) for name in nsmallest(_MAX_UNKNOWN_TOLD, members.keys() - known)]
    return tuple(sorted(unknown)[:_MAX_UNKNOWN_TOLD])


def _name_type(value: object) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")


def _refuse(
    error: Unreadable, place: str, message: str, caused_by: CausedBy = CausedBy.SENDER
) -> UnreadableSubmissionError:
    # the message becomes a header and a line of a log
    return UnreadableSubmissionError(DeadLetter(error, caused_by, place, escape(message[:_MAX_MESSAGE_CHARS])))
