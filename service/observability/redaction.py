"""Keeps texts of ads out of logs: processors of structlog that blank what may hold one, by key, by type and in errors.

An ad may name people or hold what nobody wants in a log store; logs are kept longer and read by more people than ads.
"""

import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import is_dataclass
from traceback import format_tb, walk_tb
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ValidationError

from service.contracts.submission import TEXT_FIELDS, URL_FIELDS

WITHHELD = "[withheld; set SLUICE_LOG_AD_TEXTS=true to log ad texts]"

_FIELDS = {field.partition(".")[2] for field in (*TEXT_FIELDS, *URL_FIELDS)}
_HOLDERS = {"ad", "ads", "creative", "evidence", "excerpt", "matched", "payload", "record", "records", "submission"}
_TEXT_KEYS = _FIELDS | _HOLDERS | {"submissions", "text", "texts", "value"}
# Whoever handles an ad's text is called by these; an error that came through them may quote it.
_TEXT_ROOMS = ("service.moderate", "service.contracts.reading")
_MAX_DEPTH = 6


def withhold_ad_texts(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every value whose key or type says that it may hold a text of an ad, at any level."""
    for key, value in event.items():
        event[key] = _withhold(key, value, _MAX_DEPTH)
    return event


def render_error_without_texts(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by a traceback; an error that came through the handling of ads loses its message."""
    error = _find_error(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = _tell_chain(error)
    return event


def _withhold(key: str, value: Any, depth: int) -> Any:  # noqa: ANN401 - whatever was logged
    if key in _TEXT_KEYS:
        return WITHHELD
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _withhold_members(value, depth - 1)
    if isinstance(value, BaseException):
        return _tell(value)
    if isinstance(value, BaseModel | bytes | bytearray | memoryview) or is_dataclass(value):
        return f"{type(value).__name__} {WITHHELD}"
    return value


def _withhold_members(value: Any, depth: int) -> Any:  # noqa: ANN401 - a mapping or a collection
    if depth == 0:
        return WITHHELD
    if isinstance(value, Mapping):
        return {str(name): _withhold(str(name), member, depth) for name, member in value.items()}
    return [_withhold("", member, depth) for member in value]


def _find_error(exc_info: Any) -> BaseException | None:  # noqa: ANN401 - an error, True or sys.exc_info()
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return _find_error(exc_info[1])
    return sys.exc_info()[1] if exc_info else None


def _tell_chain(error: BaseException) -> str:
    told = []
    for one in _follow_chain(error):
        frames = "".join(format_tb(one.__traceback__))
        told.append(f"Traceback (most recent call last):\n{frames}{_tell(one)}")
    return "\n\nwhich came from:\n\n".join(told)


def _tell(error: BaseException) -> str:
    hidden = isinstance(error, ValidationError) or any(_came_through(one.__traceback__) for one in _follow_chain(error))
    message = WITHHELD if hidden else str(error)
    return f"{type(error).__module__}.{type(error).__qualname__}: {message}".removeprefix("builtins.")


def _follow_chain(error: BaseException) -> list[BaseException]:
    """Return the error, then each one it came from."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and all(one is not other for other in chain):
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return chain


def _came_through(traceback: TracebackType | None) -> bool:
    rooms = (str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(traceback))
    return any(room == text_room or room.startswith(f"{text_room}.") for room in rooms for text_room in _TEXT_ROOMS)
