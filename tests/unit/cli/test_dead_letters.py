import json
from datetime import UTC, datetime

import pytest

from service.cli.dead_letters import parse_place, parse_since
from service.cli.letter_text import describe_letter, describe_line, to_json
from service.cli.running import CommandError, name_operator, show_safely
from service.contracts.control import Replay
from service.worker.dead_letter_record import read_headers
from service.worker.dead_letters import Coordinates, StoredDeadLetter

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
REPLAY = Replay(by="ops@host", at=NOW, mended=True)


def make_letter(value: bytes | None = b"{oops", key: bytes | None = b"ad-1", **told: bytes) -> StoredDeadLetter:
    headers = [
        ("trace", b"\x1b[31m\xff"),
        ("sluice.errors.topic", b"ads.submissions"),
        ("sluice.errors.partition", b"3"),
        ("sluice.errors.offset", b"41"),
        ("sluice.errors.caused.by", b"sender"),
        ("sluice.errors.exception.class.name", b"not_json"),
        ("sluice.errors.place", b"character 1"),
        ("sluice.errors.exception.message", told.pop("message", b"not JSON; send JSON")),
        *((f"sluice.errors.{name.replace('_', '.')}", text) for name, text in told.items()),
    ]
    at = Coordinates("ads.dead-letters", 3, 7)
    return StoredDeadLetter(at, 1_769_851_800_000, key, value, headers, read_headers(headers))


def test_a_line_says_where_when_why_and_whether_replayed() -> None:
    """One line a dead letter, whatever its message holds."""
    assert describe_line(make_letter(), None) == (
        "     3:7  2026-01-31T09:30:00Z  sender/not_json        -         ad-1  character 1: not JSON; send JSON"
    )
    line = describe_line(make_letter(message=b"a\nb"), REPLAY)
    assert "replayed" in line
    assert line.endswith("a\\nb")


def test_nothing_that_a_sender_wrote_steers_the_terminal() -> None:
    """Escape sequences in key, message, headers and value are spelled out."""
    letter = make_letter(value=b'"\x1b]0;x\x07', key=b"\x1b[2J", message=b"\x9b31m")
    for shown in (describe_line(letter, None), describe_letter(letter, None)):
        assert not any(not letter.isprintable() and letter != "\n" for letter in shown)
    assert show_safely("\u202e\ud800 ok\t") == "\\u202e\\ud800 ok\t"


def test_a_whole_letter_shows_its_headers_its_replay_and_its_value_laid_out() -> None:
    """JSON is laid out for reading."""
    shown = describe_letter(make_letter(b'{"ad_id":"\xc3\xa9"}'), REPLAY).splitlines()
    assert shown[0] == "dead letter  3:7 of ads.dead-letters, 2026-01-31T09:30:00Z"
    assert shown[1] == "original     ads.submissions-3-41"
    assert shown[3] == "replayed     by ops@host at 2026-01-31T09:30:00+00:00, mended"
    assert "header       trace: \\x1b[31m\\xff" in shown
    assert shown[-4:] == ["value        14 bytes", "{", '  "ad_id": "é"', "}"]


def test_a_repeated_key_is_shown_as_it_was_sent() -> None:
    """It may be the very reason, and laying it out would hide it."""
    assert describe_letter(make_letter(b'{"a":1,"a":2}'), None).splitlines()[-1] == '{"a":1,"a":2}'


def test_bytes_that_are_no_text_are_shown_in_hex() -> None:
    """Up to a bound; then it is said how to get the rest."""
    shown = describe_letter(make_letter(b"\xff" * 5_000), None).splitlines()
    assert shown[-1] == "... and 904 bytes more; --save FILE writes them all"
    assert shown[-2].startswith("00000ff0  ff ff")
    assert describe_letter(make_letter(None), None).splitlines()[-1] == "value        none"


def test_a_cut_value_is_told() -> None:
    """The reader must not take a part for the whole."""
    letter = make_letter(b"{", value_sha256=b"0" * 64, value_bytes=b"5000000")
    assert letter.is_cut
    assert "1 bytes, cut from 5000000 (replay fetches the original)" in describe_letter(letter, None)


def test_json_holds_everything_and_marks_what_is_no_text() -> None:
    """For a program: base64 where bytes are not UTF-8."""
    packed = json.loads(json.dumps(to_json(make_letter(b"\xff"), REPLAY, whole=True)))
    assert packed["origin"] == {"topic": "ads.submissions", "partition": 3, "offset": 41}
    assert packed["value"] == {"base64": "/w=="}
    assert packed["headers"][0] == ["trace", {"base64": "G1szMW3/"}]
    assert packed["replayed"]["by"] == "ops@host"
    assert "value" not in to_json(make_letter(), None)


def test_a_place_is_partition_and_offset() -> None:
    """As `list` shows it; anything else is refused with an example."""
    assert parse_place("3:41") == (3, 41)
    for text in ("3", "3:", ":1", "-1:2", "3:41 ", "a:b", "9999999999:1"):
        with pytest.raises(CommandError, match="is not PARTITION:OFFSET; copy it from"):
            parse_place(text)


def test_since_takes_a_span_or_a_time() -> None:
    """Spans count back from now; a time without zone is UTC."""
    at_ms = int(NOW.timestamp() * 1_000)
    assert parse_since(None, NOW) is None
    assert parse_since("2h", NOW) == at_ms - 7_200_000
    assert parse_since("1d", NOW) == at_ms - 86_400_000
    assert parse_since("2026-01-31T09:30:00Z", NOW) == at_ms
    assert parse_since("2026-01-31T09:30:00", NOW) == at_ms
    assert parse_since("999999d", NOW) == 0
    with pytest.raises(CommandError, match="--since 'soon' is not a time; write"):
        parse_since("soon", NOW)


def test_the_operator_has_a_name() -> None:
    """user@host, also where the user has no entry."""
    assert name_operator().count("@") == 1
