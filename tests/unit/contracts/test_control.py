"""The ledger's records and keys."""

import pytest
from pydantic import ValidationError

from service.contracts.control import CONTROL_RECORD, Replay, Resume, Trip, name_replay, name_trip
from service.contracts.examples import REPLAY, RESUME, TRIP


@pytest.mark.parametrize(("record", "kind"), [(TRIP, Trip), (RESUME, Resume), (REPLAY, Replay)])
def test_a_record_is_read_as_its_kind(record: Trip | Resume | Replay, kind: type) -> None:
    """What was written is what is read, by `kind`."""
    read = CONTROL_RECORD.validate_json(record.model_dump_json())
    assert type(read) is kind
    assert read == record


@pytest.mark.parametrize("value", [b"{}", b'{"kind": "pause"}', b"[]", b""])
def test_a_record_of_another_kind_is_refused(value: bytes) -> None:
    """A reader of the ledger can tell, and skip it."""
    with pytest.raises(ValidationError):
        CONTROL_RECORD.validate_json(value)


def test_a_group_s_trip_and_resume_share_a_key_and_a_replay_has_its_own() -> None:
    """Compaction keeps the last word on a group, and one record for each dead letter."""
    assert name_trip("sluice") == "trip/sluice"
    assert name_replay("ads.dead-letters", 3, 1_205) == "replay/ads.dead-letters-3-1205"
    assert name_replay("t", 1, 23) != name_replay("t", 12, 3)
