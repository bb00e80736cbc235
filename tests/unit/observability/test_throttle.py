import logging

from service.observability.throttle import Throttle


def make_record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("aiokafka.producer.sender", logging.WARNING, __file__, 1, message, args, None)


def test_a_recurring_message_is_told_once_an_interval_with_the_count() -> None:
    """An outage must not fill the disk with one sentence, and nothing is held back unsaid."""
    now = [0.0]
    throttle = Throttle(60.0, clock=lambda: now[0])
    assert throttle.filter(make_record("retrying %s", "p0"))
    assert not throttle.filter(make_record("retrying %s", "p1"))
    assert not throttle.filter(make_record("retrying %s", "p2"))
    now[0] = 61.0
    record = make_record("retrying %s", "p3")
    assert throttle.filter(record)
    assert record.getMessage() == "retrying p3 (2 more like it in the last 61 s)"


def test_another_message_is_not_held_back() -> None:
    """Only repeats are throttled."""
    throttle = Throttle(60.0, clock=lambda: 0.0)
    assert throttle.filter(make_record("retrying %s", "p0"))
    assert throttle.filter(make_record("fenced"))
