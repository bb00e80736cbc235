from structlog.testing import capture_logs

from service.contracts.strategy_examples import WORKER_STATUS
from service.worker.status_topic import collect_statuses
from tests.consumed import Consumed

VALUE = WORKER_STATUS.model_dump_json().encode()


def put(key: bytes, value: bytes | None) -> Consumed:
    return Consumed("status", 0, 0, 0, key, value)


def test_the_last_record_of_each_worker_counts_and_who_left_is_gone() -> None:
    """As a compacted topic is read."""
    later = WORKER_STATUS.model_copy(update={"sequence": 9})
    records = [
        put(b"a", VALUE),
        put(b"b", VALUE),
        put(b"a", later.model_dump_json().encode()),
        put(b"b", None),
    ]
    assert collect_statuses(records) == {"a": later}


def test_a_record_that_cannot_be_read_is_left_out_with_a_log() -> None:
    """A later release's, or somebody's who mistook the topic."""
    with capture_logs() as logs:
        assert collect_statuses([put(b"a", VALUE), put(b"a", b"{}")]) == {}
    assert [log["event"] for log in logs] == ["status_record_skipped"]
