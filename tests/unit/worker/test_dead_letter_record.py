import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.worker.dead_letter_record import LEAST_BYTES, build_dead_letter, measure_record, read_headers

LETTER = DeadLetter(Unreadable.NOT_JSON, CausedBy.SENDER, "character 7", "not JSON: no; send one JSON object a record")
MIB = 1_048_576


@dataclass
class Record:
    topic: str = "ads.submissions"
    partition: int = 3
    offset: int = 41
    timestamp: int = 1_700_000_000_000
    key: bytes | None = b"ad-1"
    value: bytes | None = b"{oops"
    headers: Sequence[tuple[str, bytes | None]] = ()


def size_as_batch(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]) -> int:
    """Return what aiokafka makes of the record: a batch of its own."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=1,
        producer_id=2**62,
        producer_epoch=30_000,
        base_sequence=2**30,
        batch_size=1,
    )
    assert builder.append(0, timestamp=1_700_000_000_000, key=key, value=value, headers=headers) is not None
    return len(builder.build())


def test_key_value_and_headers_stay_and_the_reason_is_added() -> None:
    """A dead letter is the original byte for byte, and says where it lay and why."""
    headers = (("trace", b"\xff"), ("trace", None))
    built = build_dead_letter(Record(headers=headers), LETTER, "1.2.3", MIB)
    assert (built.key, built.value) == (b"ad-1", b"{oops")
    assert tuple(built.headers[:2]) == headers
    assert read_headers(built.headers) == {
        "sluice.errors.topic": "ads.submissions",
        "sluice.errors.partition": "3",
        "sluice.errors.offset": "41",
        "sluice.errors.timestamp": "1700000000000",
        "sluice.errors.caused.by": "sender",
        "sluice.errors.exception.class.name": "not_json",
        "sluice.errors.exception.message": LETTER.message,
        "sluice.errors.place": "character 7",
        "sluice.errors.build": "1.2.3",
    }


def test_a_long_value_is_cut_with_its_hash_and_length() -> None:
    """What is cut can be found again at its coordinates and recognised by its hash."""
    value = bytes(range(256)) * 4_096
    built = build_dead_letter(Record(value=value), LETTER, "b", 100_000)
    assert built.value is not None
    assert value.startswith(built.value)
    assert len(built.value) > 95_000
    told = read_headers(built.headers)
    assert told["sluice.errors.value.sha256"] == hashlib.sha256(value).hexdigest()
    assert told["sluice.errors.value.bytes"] == "1048576"


def test_a_huge_key_is_dropped_and_told() -> None:
    """A key that would leave no room is dropped with its length."""
    built = build_dead_letter(Record(key=b"k" * 120_000), LETTER, "b", 100_000)
    assert built.key is None
    assert built.value == b"{oops"
    assert read_headers(built.headers)["sluice.errors.key.bytes"] == "120000"


def test_long_headers_are_dropped_and_counted_the_others_stay() -> None:
    """One oversized header does not take the small ones with it."""
    headers = (("a", b"1"), ("big", b"x" * 90_000), ("b", b"2"))
    built = build_dead_letter(Record(value=b"v" * 20_000, headers=headers), LETTER, "b", 100_000)
    assert built.headers[:2] == [("a", b"1"), ("b", b"2")]
    assert built.value == b"v" * 20_000
    assert read_headers(built.headers)["sluice.errors.headers.dropped"] == "1"


def test_a_senders_own_error_headers_do_not_pass_for_ours() -> None:
    """A record that carries `sluice.errors.*` headers loses them."""
    built = build_dead_letter(Record(headers=(("sluice.errors.partition", b"9"),)), LETTER, "b", MIB)
    assert [value for key, value in built.headers if key == "sluice.errors.partition"] == [b"3"]
    assert read_headers(built.headers)["sluice.errors.headers.dropped"] == "1"


def test_a_message_with_lone_surrogates_is_spelled_out() -> None:
    """A message may quote what no UTF-8 can hold."""
    letter = LETTER._replace(message="field \ud800", place="\udfff")
    told = read_headers(build_dead_letter(Record(), letter, "b", MIB).headers)
    assert told["sluice.errors.exception.message"] == "field \\ud800"
    assert told["sluice.errors.place"] == "\\udfff"


octets = st.one_of(
    st.none(),
    st.binary(max_size=300),
    st.builds(lambda n, b: bytes([b]) * n, st.integers(0, 40_000), st.integers(0, 255)),
)
records = st.builds(
    Record,
    topic=st.text(max_size=249),
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    timestamp=st.integers(-1, 2**63 - 1),
    key=octets,
    value=octets,
    headers=st.lists(
        st.tuples(
            st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.just("sluice.errors.topic")),
            octets,
        ),
        max_size=6,
    ).map(tuple),
)
letters = st.builds(
    DeadLetter, st.sampled_from(Unreadable), st.sampled_from(CausedBy), st.text(max_size=600), st.text(max_size=6_000)
)


@settings(max_examples=300, deadline=None)
@given(records, letters, st.text(max_size=600), st.integers(LEAST_BYTES, 60_000))
def test_every_dead_letter_fits_its_topic(record: Record, letter: DeadLetter, build: str, max_bytes: int) -> None:
    """Whatever the bytes are, the record as a Kafka batch keeps the limit, and what was cut is told."""
    built = build_dead_letter(record, letter, build, max_bytes)
    assert size_as_batch(*built) <= measure_record(*built) <= max_bytes
    told = read_headers(built.headers)
    assert ("sluice.errors.value.sha256" in told) == (built.value != record.value)
    assert ("sluice.errors.key.bytes" in told) == (built.key != record.key)
    kept = [header for header in built.headers if not header[0].startswith("sluice.errors.")]
    assert int(told.get("sluice.errors.headers.dropped", "0")) == len(record.headers) - len(kept)


@settings(max_examples=100, deadline=None)
@given(records, letters, st.integers(-5, LEAST_BYTES))
def test_an_absurd_limit_raises_nothing(record: Record, letter: DeadLetter, max_bytes: int) -> None:
    """Below the smallest sensible limit the result may be too large, but the worker goes on."""
    assert build_dead_letter(record, letter, "b", max_bytes).headers
