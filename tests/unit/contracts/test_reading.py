"""What the reader says to each kind of bad input: the golden messages that a sender finds in a dead letter."""

import json
import sys
from typing import Any

import pytest

from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.contracts.reading import MAX_DEPTH, UnreadableSubmissionError, read_submission
from service.contracts.submission import MAX_ATTRIBUTES, MAX_SUBMISSION_BYTES, Submission

MINIMAL: dict[str, Any] = {
    "schema_version": 1,
    "ad_id": "ad-1",
    "revision": 1,
    "submitted_at": "2026-01-31T09:30:00Z",
    "advertiser": {"id": "adv-1"},
    "vertical": "retail",
    "market": "DE",
    "product": "feed",
    "creative": {},
}
NO_TIME = "a time must be an RFC 3339 string with a zone, such as '2026-01-31T09:30:00Z'"
ATTRIBUTE = "must be true, false, null, a 64-bit integer, a finite number or a string of at most 1,000 characters"
HALF = "holds half of a surrogate pair, which is no character; send whole characters"


def encode(**changes: object) -> bytes:
    """Return the smallest submission with these fields changed, as JSON."""
    return json.dumps(MINIMAL | changes).encode()


def refuse(value: bytes | None) -> DeadLetter:
    """Return why the value is refused."""
    with pytest.raises(UnreadableSubmissionError) as caught:
        read_submission(value)
    assert str(caught.value) == caught.value.dead_letter.message
    return caught.value.dead_letter


BAD_BYTES: list[Any] = [
    pytest.param(
        None, "empty", "value", "the record has no value; send the submission as JSON", id="no value (tombstone)"
    ),
    pytest.param(b"", "empty", "value", "the record has no value; send the submission as JSON", id="empty"),
    pytest.param(
        b'{"ad_id":"\xff"}',
        "not_utf8",
        "byte 10",
        "byte 10 is not UTF-8 (invalid start byte); encode the JSON as UTF-8",
        id="latin-1",
    ),
    pytest.param(
        b'{"ad_id":"\xc0\x80"}',
        "not_utf8",
        "byte 10",
        "byte 10 is not UTF-8 (invalid start byte); encode the JSON as UTF-8",
        id="overlong NUL",
    ),
    pytest.param(
        b'{"ad_id":"\xed\xa0\x80"}',
        "not_utf8",
        "byte 10",
        "byte 10 is not UTF-8 (invalid continuation byte); encode the JSON as UTF-8",
        id="a surrogate in UTF-8",
    ),
    pytest.param(
        encode().decode().encode("utf-16"),
        "not_utf8",
        "byte 0",
        "the value looks like UTF-16 or UTF-32; encode the JSON as UTF-8",
        id="UTF-16 with its mark",
    ),
    pytest.param(
        encode().decode().encode("utf-16-le"),
        "not_utf8",
        "byte 0",
        "the value looks like UTF-16 or UTF-32; encode the JSON as UTF-8",
        id="UTF-16 without a mark",
    ),
    pytest.param(
        encode().decode().encode("utf-32-be"),
        "not_utf8",
        "byte 0",
        "the value looks like UTF-16 or UTF-32; encode the JSON as UTF-8",
        id="UTF-32",
    ),
    pytest.param(
        b"\xef\xbb\xbf" + encode(),
        "not_json",
        "byte 0",
        "the value starts with a byte order mark; send UTF-8 without one",
        id="byte order mark",
    ),
    pytest.param(
        b"   ",
        "not_json",
        "character 3",
        "not JSON: Expecting value at line 1 column 4; send one JSON object a record",
        id="white space",
    ),
    pytest.param(
        b"ad_id=1",
        "not_json",
        "character 0",
        "not JSON: Expecting value at line 1 column 1; send one JSON object a record",
        id="a form",
    ),
    pytest.param(
        encode()[:-10],
        "not_json",
        "character 182",
        "not JSON: Unterminated string starting at line 1 column 183; send one JSON object a record",
        id="truncated in a key",
    ),
    pytest.param(
        encode()[:-1],
        "not_json",
        "character 196",
        "not JSON: Expecting ',' delimiter at line 1 column 197; send one JSON object a record",
        id="truncated at the end",
    ),
    pytest.param(
        encode() + encode(),
        "not_json",
        "character 197",
        "not JSON: Extra data at line 1 column 198; send one JSON object a record",
        id="two objects in one record",
    ),
    pytest.param(
        encode().replace(b"retail", b"ret\x00ail"),
        "not_json",
        "character 141",
        "not JSON: Invalid control character at line 1 column 142; send one JSON object a record",
        id="a bare NUL",
    ),
    pytest.param(
        b"[]", "invalid_field", "value", "the value is a JSON array; send one object", id="an array, not an object"
    ),
    pytest.param(b'"x"', "invalid_field", "value", "the value is a JSON string; send one object", id="a string"),
    pytest.param(b"1", "invalid_field", "value", "the value is a JSON number; send one object", id="a number"),
    pytest.param(b"null", "invalid_field", "value", "the value is a JSON null; send one object", id="null"),
    pytest.param(b"true", "invalid_field", "value", "the value is a JSON boolean; send one object", id="true"),
    pytest.param(
        encode(creative={"body": "x" * 10_000_000}),
        "too_large",
        "value",
        "the value has 10,000,207 bytes, more than 1,048,576; shorten transcript, image_text",
        id="10 MB",
    ),
    pytest.param(
        b"[" * 10_000 + b"]" * 10_000,
        "too_deep",
        "character 32",
        "the JSON is nested deeper than 32 levels; a submission needs 2: flatten it",
        id="10,000 arrays",
    ),
    pytest.param(
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "too_deep",
        "character 160",
        "the JSON is nested deeper than 32 levels; a submission needs 2: flatten it",
        id="10,000 objects",
    ),
    pytest.param(
        encode()[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "too_deep",
        "character 232",
        "the JSON is nested deeper than 32 levels; a submission needs 2: flatten it",
        id="10,000 arrays in a field that is not known",
    ),
    pytest.param(
        b"[" * 500_000,
        "too_deep",
        "character 32",
        "the JSON is nested deeper than 32 levels; a submission needs 2: flatten it",
        id="half a million arrays that never end",
    ),
    pytest.param(
        encode().replace(b'"revision": 1', b'"revision": 1, "revision": 2'),
        "duplicate_key",
        "revision",
        "the key 'revision' occurs twice in one object; which value counts is not defined: send it once",
        id="a key twice",
    ),
    pytest.param(
        encode().replace(b'"creative": {}', b'"creative": {"body": "a", "body": "b"}'),
        "duplicate_key",
        "body",
        "the key 'body' occurs twice in one object; which value counts is not defined: send it once",
        id="a key twice, inside",
    ),
    pytest.param(
        encode(x=[[{"y": {}}]]).replace(b'"y": {}', b'"y": {"": 1, "\\u0000": 1, "\\u0000": 2}'),
        "duplicate_key",
        "\\x00",
        "the key '\\x00' occurs twice in one object; which value counts is not defined: send it once",
        id="a key twice, in what is not known",
    ),
    pytest.param(
        b'{"": 1, "": 2}',
        "duplicate_key",
        "''",
        "the key '' occurs twice in one object; which value counts is not defined: send it once",
        id="the empty key twice",
    ),
    pytest.param(
        b'{"\\ud800": 1, "\\ud800": 2}',
        "duplicate_key",
        "\\ud800",
        "the key '\\ud800' occurs twice in one object; which value counts is not defined: send it once",
        id="half a character as a key, twice",
    ),
    pytest.param(
        encode(x="NaN", attributes={"score": float("nan")}),
        "not_a_number",
        "character 234",
        "NaN is not JSON; leave the field out or send a finite number",
        id="NaN",
    ),
    pytest.param(
        encode(attributes={"score": float("inf")}),
        "not_a_number",
        "character 222",
        "Infinity is not JSON; leave the field out or send a finite number",
        id="Infinity",
    ),
    pytest.param(
        encode(attributes={"score": float("-inf")}),
        "not_a_number",
        "character 222",
        "-Infinity is not JSON; leave the field out or send a finite number",
        id="-Infinity",
    ),
    pytest.param(
        encode().replace(b'"revision": 1', b'"revision": ' + b"9" * 5_000),
        "invalid_field",
        "character 51",
        "an integer has thousands of digits; send at most 64 bits",
        id="5,000 digits",
    ),
]


@pytest.mark.parametrize(("value", "error", "place", "message"), BAD_BYTES)
def test_bytes_that_are_no_object_are_refused_with_place_and_remedy(
    value: bytes | None, error: str, place: str, message: str
) -> None:
    """The sender is told which byte, character or key, and what to do."""
    assert refuse(value) == DeadLetter(Unreadable(error), CausedBy.SENDER, place, message)


ID = "must have no white space and no control characters"
SLUG = "must be lower-case letters, digits, '_', '.' or '-', such as 'real_estate'"
TIER = "must be one of 'unknown', 'new', 'standard', 'trusted' or 'restricted'"
NAME = "the name must start with a letter or '_' and go on with at most 63 letters, digits, '_', '.' or '-'"
LANGUAGE = "must be a BCP 47 tag such as 'de' or 'pt-BR'; leave it out if it is not known"
RANGE = "is before year 1 or after year 9999 in UTC; send UTC"


def country(code: str) -> str:
    return f"'{code}' is not an ISO 3166-1 alpha-2 code; send two capital letters such as 'DE'"


BAD_FIELDS: list[Any] = [
    ("schema_version", 2, "must be 1"),
    ("schema_version", "1", "must be the integer 1"),
    ("schema_version", True, "must be the integer 1"),
    ("schema_version", 1.0, "must be the integer 1"),
    ("schema_version", None, "must be the integer 1"),
    ("ad_id", 7, "must be a string"),
    ("ad_id", None, "must be a string"),
    ("ad_id", "", "must not be empty"),
    ("ad_id", "x" * 129, "must have at most 128 characters; shorten it"),
    ("ad_id", "a b", ID),
    ("ad_id", "a\u00a0b", ID),
    ("ad_id", "a\n", ID),
    ("ad_id", "a\x00b", ID),
    ("ad_id", "a\x9fb", ID),
    ("ad_id", "\ud800", HALF),
    ("revision", "1", "must be an integer"),
    ("revision", 1.0, "must be an integer"),
    ("revision", True, "must be an integer"),
    ("revision", None, "must be an integer"),
    ("revision", [1], "must be an integer"),
    ("revision", -1, "must be at least 0"),
    ("revision", 2**31, "must be at most 2147483647"),
    ("revision", 10**300, "must be at most 2147483647"),
    ("submitted_at", 1_769_851_800, NO_TIME),
    ("submitted_at", 1_769_851_800.5, NO_TIME),
    ("submitted_at", "1769851800", NO_TIME),
    ("submitted_at", None, NO_TIME),
    ("submitted_at", True, NO_TIME),
    ("submitted_at", "", NO_TIME),
    ("submitted_at", "yesterday", NO_TIME),
    ("submitted_at", "20260131T093000Z", NO_TIME),
    ("submitted_at", "10000-01-01T00:00:00Z", NO_TIME),
    ("submitted_at", "2026-01-31T09:30:00", "has no zone; end it with 'Z' or an offset such as '+01:00'"),
    ("submitted_at", "2026-01-31", "has no zone; end it with 'Z' or an offset such as '+01:00'"),
    (
        "submitted_at",
        "2026-02-30T00:00:00Z",
        "is no time: day value is outside expected range; send RFC 3339 such as '2026-01-31T09:30:00Z'",
    ),
    ("submitted_at", "9999-12-31T23:59:59-12:00", RANGE),
    ("submitted_at", "0001-01-01T00:00:00+14:00", RANGE),
    ("submitted_at", "2026-\ud800", HALF),
    ("advertiser", "adv-1", "must be a JSON object"),
    ("advertiser", None, "must be a JSON object"),
    ("advertiser", [], "must be a JSON object"),
    ("advertiser.id", {}, "is missing; send it"),
    ("advertiser.id", {"id": 5}, "must be a string"),
    ("advertiser.id", {"id": "a b"}, ID),
    ("advertiser.country", {"id": "a", "country": "XX"}, country("XX")),
    ("advertiser.country", {"id": "a", "country": 49}, "must be a string"),
    ("advertiser.created_at", {"id": "a", "created_at": 0}, NO_TIME),
    ("advertiser.trust_tier", {"id": "a", "trust_tier": "gold"}, TIER),
    ("advertiser.trust_tier", {"id": "a", "trust_tier": None}, TIER),
    ("vertical", "", "must not be empty"),
    ("vertical", "Real Estate", SLUG),
    ("vertical", "x" * 65, "must have at most 64 characters; shorten it"),
    ("vertical", 1, "must be a string"),
    ("market", "ZZ", country("ZZ")),
    ("market", "de", country("de")),
    ("market", "DEU", country("DEU")),
    ("market", "", country("")),
    ("market", "D\n", country("D\\n")),
    ("market", "\u0414\u0415", country("\\u0414\\u0415")),
    ("market", "\ud800\ud800", country("\\ud800\\ud800")),
    ("market", "X" * 99, country("X" * 16)),
    ("market", ["DE"], "must be a string"),
    ("product", "In-Feed", SLUG),
    ("product", None, "must be a string"),
    ("language", "german", LANGUAGE),
    ("language", "", LANGUAGE),
    ("language", 7, "must be a string"),
    ("creative", "buy", "must be a JSON object"),
    ("creative", None, "must be a JSON object"),
    ("creative.headline", {"headline": "x" * 501}, "must have at most 500 characters; shorten it"),
    ("creative.headline", {"headline": None}, "must be a string"),
    ("creative.headline", {"headline": "\udc00"}, HALF),
    ("creative.body", {"body": "x" * 10_001}, "must have at most 10,000 characters; shorten it"),
    ("creative.body", {"body": ["a"]}, "must be a string"),
    ("creative.call_to_action", {"call_to_action": "x" * 201}, "must have at most 200 characters; shorten it"),
    ("creative.display_url", {"display_url": "x" * 2_049}, "must have at most 2,048 characters; shorten it"),
    ("creative.landing_url", {"landing_url": "x" * 4_097}, "must have at most 4,096 characters; shorten it"),
    ("creative.image_text", {"image_text": "x" * 20_001}, "must have at most 20,000 characters; shorten it"),
    ("creative.transcript", {"transcript": "x" * 50_001}, "must have at most 50,000 characters; shorten it"),
    ("attributes", None, "must be a JSON object"),
    ("attributes", [], "must be a JSON object"),
    ("attributes", {f"a{number}": 1 for number in range(65)}, "must have at most 64 entries; leave some out"),
    ("attributes.budget", {"budget": {}}, ATTRIBUTE),
    ("attributes.budget", {"budget": []}, ATTRIBUTE),
    ("attributes.budget", {"budget": "x" * 1_001}, ATTRIBUTE),
    ("attributes.budget", {"budget": 2**63}, ATTRIBUTE),
    ("attributes.budget", {"budget": -(2**63) - 1}, ATTRIBUTE),
    ("attributes.budget", {"budget": 10**400}, ATTRIBUTE),
    ("attributes.budget", {"budget": "\udfff"}, ATTRIBUTE),
    ("attributes.1st", {"1st": 1}, NAME),
    ("attributes.", {"": 1}, NAME),
    ("attributes.a b\\n", {"a b\n": 1}, NAME),
    ("attributes." + "x" * 64, {"x" * 65: 1}, NAME),
]


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        pytest.param(*case, id=f"{case[0][:24]}-{str(case[1])[:24].encode('unicode_escape').decode()}")
        for case in BAD_FIELDS
    ],
)
def test_a_wrong_field_is_refused_by_its_path_with_the_remedy(place: str, wrong: object, message: str) -> None:
    """The sender is told which field and what it has to be."""
    letter = refuse(encode(**{place.partition(".")[0]: wrong}))
    assert letter == DeadLetter(Unreadable.INVALID_FIELD, CausedBy.SENDER, place, f"{place}: {message}")


@pytest.mark.parametrize("field", MINIMAL)
def test_a_missing_field_is_named(field: str) -> None:
    """Every field of the smallest submission is needed."""
    value = json.dumps({name: value for name, value in MINIMAL.items() if name != field}).encode()
    expected = DeadLetter(Unreadable.INVALID_FIELD, CausedBy.SENDER, field, f"{field}: is missing; send it")
    assert refuse(value) == expected


def test_a_number_beyond_the_floats_is_refused_where_it_counts() -> None:
    """1e999 is JSON, and infinity once it is read."""
    value = encode(attributes={"budget": 0}).replace(b'"budget": 0', b'"budget": 1e999')
    assert refuse(value).message == f"attributes.budget: {ATTRIBUTE}"


def test_half_a_character_in_an_attribute_s_name_is_refused() -> None:
    """A name that cannot be encoded cannot be told either; its place is."""
    letter = refuse(encode(attributes={"\udc00k": 1}))
    assert letter.place.startswith("attributes.")
    assert letter.message.endswith(NAME)


def test_several_wrong_fields_are_told_together_up_to_five() -> None:
    """A sender mends all in one go, and a hostile one cannot fill a header."""
    letter = refuse(b"{}")
    assert letter.place == "schema_version"
    assert letter.message == (
        "schema_version: is missing; send it; ad_id: is missing; send it; revision: is missing; send it; "
        "submitted_at: is missing; send it; advertiser: is missing; send it; and 4 more"
    )


@pytest.mark.parametrize(
    "submitted_at",
    [
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-01-31T09:30:00.123456789+05:45",
        "2026-01-31t09:30:00z",
        "2026-01-31 09:30:00-00:00",
    ],
)
def test_odd_but_valid_times_are_read(submitted_at: str) -> None:
    """The year 9999 is a time; what the decision makes of it is not the reader's matter."""
    submission, _ = read_submission(encode(submitted_at=submitted_at))
    assert submission.submitted_at.utcoffset() is not None


def test_nul_and_bidirectional_marks_in_texts_are_read_as_they_are() -> None:
    """Evasions are the rules' matter; evidence needs the text as it was sent."""
    text = "a\x00b\u202ec\u200bd\ufeff\U0010ffff"
    submission, _ = read_submission(encode(creative={"headline": text}))
    assert submission.creative.headline == text


def test_the_longest_texts_are_read() -> None:
    """Each limit is inclusive, in code points."""
    limits = {"headline": 500, "body": 10_000, "call_to_action": 200, "display_url": 2_048, "landing_url": 4_096}
    limits |= {"image_text": 20_000, "transcript": 50_000}
    value = json.dumps(
        MINIMAL | {"creative": {name: "\U0001f3b0" * limit for name, limit in limits.items()}}, ensure_ascii=False
    ).encode()
    submission, _ = read_submission(value)
    assert {name: len(getattr(submission.creative, name)) for name in limits} == limits


def test_the_largest_value_is_read_and_one_byte_more_is_not() -> None:
    """The limit is inclusive."""
    value = encode(x="")
    padded = value[:-2] + b"y" * (MAX_SUBMISSION_BYTES - len(value)) + value[-2:]
    assert len(padded) == MAX_SUBMISSION_BYTES
    assert read_submission(padded)[1] == ("x",)
    assert refuse(padded + b" ").error is Unreadable.TOO_LARGE


@pytest.mark.parametrize("value", [True, False, None, 0, -(2**63), 2**63 - 1, -0.5, 1e308, "", "x" * 1_000])
def test_an_attribute_keeps_its_value_and_type(value: object) -> None:
    """True does not become 1, nor 1 become 1.0: rules compare them."""
    submission, _ = read_submission(encode(attributes={"a": value}))
    read = submission.attributes["a"]
    assert (type(read), read) == (type(value), value)


def test_the_most_attributes_are_read() -> None:
    """The limit is inclusive."""
    submission, _ = read_submission(encode(attributes={f"a{number}": number for number in range(MAX_ATTRIBUTES)}))
    assert len(submission.attributes) == MAX_ATTRIBUTES


def test_unknown_fields_are_ignored_and_told_by_path() -> None:
    """At the three levels that have fields; attributes are the platform's own and never unknown."""
    value = encode(
        color="red",
        advertiser={"id": "a", "vat": 1},
        creative={"video": {"url": "x"}},
        attributes={"anything": 1},
    )
    submission, unknown = read_submission(value)
    assert unknown == ("advertiser.vat", "color", "creative.video")
    assert isinstance(submission, Submission)


def test_the_names_of_unknown_fields_are_bounded_and_printable() -> None:
    """Ten thousand invented names give 32, each cut at 64 characters, without control characters or half characters."""
    names = {f"{number:05}\n\ud800{'x' * 200}": 1 for number in range(2_000)}
    _, unknown = read_submission(encode(**names))
    assert len(unknown) == 32
    assert all(name.isprintable() and len(name) <= 80 for name in unknown)
    assert unknown[0].startswith("00000\\n\\ud800x")


def test_the_same_names_are_told_whatever_their_order() -> None:
    """Which 32 are told does not depend on how Python's sets happen to lie."""
    names = [f"u{number}" for number in range(100)]
    forward = read_submission(encode(**dict.fromkeys(names, 1)))[1]
    backward = read_submission(encode(**dict.fromkeys(reversed(names), 1)))[1]
    assert forward == backward == tuple(sorted(names)[:32])


def test_depth_is_bounded_by_a_number_and_not_by_the_caller_s_stack() -> None:
    """One level more than the limit is refused, and the limit itself is read, also deep inside a program."""

    def read_from(frames: int, value: bytes) -> tuple[str, ...]:
        return read_from(frames - 1, value) if frames else read_submission(value)[1]

    def nest(levels: int) -> bytes:
        return encode()[:-1] + b',"x":' + b"[" * levels + b"]" * levels + b"}"

    assert read_from(sys.getrecursionlimit() // 2, nest(MAX_DEPTH - 1)) == ("x",)
    assert refuse(nest(MAX_DEPTH)).error is Unreadable.TOO_DEEP


def test_brackets_inside_texts_are_not_depth() -> None:
    """An ad may be full of them, escaped quotes and backslashes included."""
    text = '[{"\\' * 2_000
    submission, _ = read_submission(encode(creative={"body": text}))
    assert submission.creative.body == text


class UnreadableBytes(bytes):
    """Bytes whose decoding fails in a way that no input can cause."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise OSError(f"no memory for {encoding} {errors} \ud800")


def test_a_fault_of_the_reader_is_a_dead_letter_that_the_service_caused() -> None:
    """Then the sender has nothing to mend, and the guard counts it against the release."""
    letter = refuse(UnreadableBytes(b"{}"))
    assert letter == DeadLetter(
        Unreadable.READER_FAILED,
        CausedBy.SERVICE,
        "value",
        "the reader failed with OSError: no memory for utf-8 strict \\ud800; this is a fault of Sluice: report, replay",
    )
