"""Words a dead letter for `sluice dead-letters`: a line, a whole page, or JSON. What a sender wrote is shown safely."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from service.cli.running import show_safely
from service.contracts import dead_letter as headers_of
from service.contracts.control import AnyControl, Replay
from service.worker.dead_letters import StoredDeadLetter

_KEY_CHARS = 40
_HEX_BYTES = 16
_MOST_HEX_BYTES = 4_096

Entry = AnyControl | None
"""What the ledger holds under a dead letter's name."""


def describe_line(letter: StoredDeadLetter, entry: Entry) -> str:
    """Return one line: place, time, who and what caused it, whether replayed, key, field, message."""
    told = letter.told
    cause = f"{told.get(headers_of.CAUSED_BY, '?')}/{told.get(headers_of.CLASS_NAME, '?')}"
    replayed = "replayed" if isinstance(entry, Replay) else "-"
    where, message = told.get(headers_of.PLACE, ""), told.get(headers_of.MESSAGE, "")
    at = f"{letter.at.partition}:{letter.at.offset}"
    line = f"{at:>8}  {_time(letter)}  {cause:<22} {replayed:<8}  {_text(letter.key)[:_KEY_CHARS]}  {where}: {message}"
    return show_safely(line).replace("\n", "\\n")


def describe_letter(letter: StoredDeadLetter, entry: Entry) -> str:
    """Return everything about one dead letter, its value as JSON, text or hex."""
    lines = [
        f"dead letter  {letter.at.partition}:{letter.at.offset} of {letter.at.topic}, {_time(letter)}",
        f"original     {letter.origin or 'unknown'}",
        f"reason       {letter.told.get(headers_of.MESSAGE, 'unknown')}",
        f"replayed     {_word_entry(entry)}",
        f"key          {_text(letter.key)}",
    ]
    lines += [f"header       {name}: {_text(value)}" for name, value in letter.headers]
    size = "none" if letter.value is None else f"{len(letter.value):,} bytes"
    if headers_of.CUT_BYTES in letter.told:
        size += f", cut from {letter.told[headers_of.CUT_BYTES]} (replay fetches the original)"
    return show_safely("\n".join([*lines, f"value        {size}", _show_value(letter.value)]))


def to_json(letter: StoredDeadLetter, entry: Entry, *, whole: bool = False) -> dict[str, Any]:
    """Return the dead letter for a program; `whole` adds headers and value, in base64 where they are no text."""
    told = letter.told
    described: dict[str, Any] = {
        "partition": letter.at.partition,
        "offset": letter.at.offset,
        "time": _time(letter),
        "cause": told.get(headers_of.CLASS_NAME),
        "caused_by": told.get(headers_of.CAUSED_BY),
        "place": told.get(headers_of.PLACE),
        "message": told.get(headers_of.MESSAGE),
        "key": _pack(letter.key),
        "origin": None if letter.origin is None else letter.origin._asdict(),
        "cut": letter.is_cut,
        "replayed": entry.model_dump(mode="json") if isinstance(entry, Replay) else None,
    }
    if whole:
        described["headers"] = [[name, _pack(value)] for name, value in letter.headers]
        described["value"] = _pack(letter.value)
    return described


def _word_entry(entry: Entry) -> str:
    if not isinstance(entry, Replay):
        return "no"
    mended = ", mended" if entry.mended else ""
    return f"by {entry.by} at {entry.at.isoformat(timespec='seconds')}{mended}"


def _time(letter: StoredDeadLetter) -> str:
    return datetime.fromtimestamp(max(letter.timestamp_ms, 0) / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(data: bytes | None) -> str:
    return "(none)" if data is None else data.decode("utf-8", "backslashreplace")


def _pack(data: bytes | None) -> str | dict[str, str] | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _show_value(value: bytes | None) -> str:
    if not value:
        return ""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return _dump_hex(value)
    try:
        return json.dumps(json.loads(text, object_pairs_hook=_keep_all), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _keep_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Laid out as a dict a repeated key would vanish, and it may be the very reason of the dead letter.
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a key is repeated; show the text as it is")
    return found


def _dump_hex(value: bytes) -> str:
    lines = []
    for start in range(0, min(len(value), _MOST_HEX_BYTES), _HEX_BYTES):
        part = value[start : start + _HEX_BYTES]
        letters = "".join(chr(byte) if chr(byte).isascii() and chr(byte).isprintable() else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<{_HEX_BYTES * 3}} {letters}")
    if len(value) > _MOST_HEX_BYTES:
        lines.append(f"... and {len(value) - _MOST_HEX_BYTES:,} bytes more; --save FILE writes them all")
    return "\n".join(lines)
