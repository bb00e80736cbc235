"""Whatever the bytes are, the reader returns a submission or names what the sender has to mend; it never fails."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.contracts.dead_letter import CausedBy, Unreadable
from service.contracts.examples import SUBMISSION
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.submission import Submission

# The same examples in every run: a red build is about the change, not about luck.
steady = settings(max_examples=300, derandomize=True, deadline=None, database=None)
fewer = settings(steady, max_examples=80)  # examples that are costly to make

VALID = SUBMISSION.model_dump_json().encode()
DOCUMENT: dict[str, Any] = json.loads(VALID)
ODD_TEXT = st.text(st.characters(codec=None), max_size=40)  # half surrogate pairs included
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ODD_TEXT
    | st.sampled_from([2**63, -(2**63), 10**400, 1e308, "DE", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3), max_leaves=8
)
FIELDS = st.sampled_from([*Submission.model_fields, "unknown", "", "\x00"])


def read_or_refuse(value: bytes) -> Submission | None:
    """Read `value`; check what is promised of the result or of the refusal."""
    try:
        submission, unknown = read_submission(value)
    except UnreadableSubmissionError as error:
        letter = error.dead_letter
        assert letter.caused_by is CausedBy.SENDER, letter
        assert letter.error is not Unreadable.READER_FAILED
        assert letter.place
        assert letter.message.isprintable()
        assert 0 < len(letter.message) <= 3_000
        assert letter.place.encode()
        return None
    assert len(unknown) <= 32
    assert all(name.isprintable() for name in unknown)
    written = submission.model_dump_json().encode()
    assert read_submission(written) == (submission, ())
    return submission


@steady
@given(st.binary(max_size=400))
@example(b"\x00")
@example(b"{")
@example(b'"\\')
@example(b"\xef\xbb\xbf")
def test_random_bytes(value: bytes) -> None:
    """Noise never reads as an ad, and never fails."""
    assert read_or_refuse(value) is None


@steady
@given(st.integers(0, len(VALID) - 1), st.integers(1, 255))
def test_a_valid_submission_with_one_byte_changed(position: int, flip: int) -> None:
    """A flipped byte is either another ad or a named fault."""
    value = bytearray(VALID)
    value[position] ^= flip
    read_or_refuse(bytes(value))


@steady
@given(st.lists(st.tuples(st.integers(0, len(VALID)), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))
def test_a_valid_submission_with_bytes_put_in(insertions: list[tuple[int, bytes]]) -> None:
    """Anything may be put anywhere."""
    value = VALID
    for position, inserted in insertions:
        value = value[:position] + inserted + value[position:]
    read_or_refuse(value)


@steady
@given(st.integers(0, len(VALID) - 1), st.integers(0, len(VALID) - 1))
def test_a_part_of_a_valid_submission(start: int, length: int) -> None:
    """No part of a submission is a submission."""
    assert read_or_refuse(VALID[start : start + length]) is None


@fewer
@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_a_submission_with_some_fields_replaced(changes: dict[str, Any]) -> None:
    """Near-valid objects: any JSON in any field."""
    read_or_refuse(json.dumps(DOCUMENT | changes).encode())


@fewer
@given(st.sampled_from(["advertiser", "creative"]), st.data())
def test_a_submission_with_some_inner_fields_replaced(parent: str, data: st.DataObject) -> None:
    """The same one level deeper."""
    names = st.sampled_from([*DOCUMENT[parent], "unknown"])
    changes = data.draw(st.dictionaries(names, JSON, max_size=3))
    read_or_refuse(json.dumps(DOCUMENT | {parent: DOCUMENT[parent] | changes}).encode())


@fewer
@given(st.dictionaries(ODD_TEXT | st.from_regex(r"[a-z_]{1,8}", fullmatch=True), JSON, max_size=70))
def test_a_submission_with_any_attributes(attributes: dict[str, Any]) -> None:
    """Names and values of attributes are the platform's own, and so are its mistakes."""
    read_or_refuse(json.dumps(DOCUMENT | {"attributes": attributes}).encode())


@fewer
@given(JSON)
def test_any_json(value: object) -> None:
    """JSON of any shape that is not an object with the required fields is refused."""
    assert read_or_refuse(json.dumps(value).encode()) is None


@fewer
@given(st.datetimes(timezones=st.timezones()))
def test_any_time_with_a_zone(moment: Any) -> None:  # noqa: ANN401 - hypothesis gives datetimes
    """A time is read as the same moment, or refused for lying outside the years of UTC."""
    text = moment.isoformat()
    submission = read_or_refuse(json.dumps(DOCUMENT | {"submitted_at": text}).encode())
    if submission is not None:
        assert submission.submitted_at.isoformat() == text


@steady
@given(st.text(max_size=500))
def test_any_text_survives(text: str) -> None:
    """What can be encoded is read as it is: evidence counts its code points."""
    value = json.dumps(DOCUMENT | {"creative": {"headline": text}}, ensure_ascii=False).encode()
    submission = read_or_refuse(value)
    assert submission is not None
    assert submission.creative.headline == text
