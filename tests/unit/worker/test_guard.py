from collections import Counter

import pytest

from service.contracts.dead_letter import CausedBy, Unreadable
from service.observability.metrics import ChunkTally
from service.worker.guard import FailureGuard, GuardLimits

LIMITS = GuardLimits(
    window_s=60, least_records=50, moderation_failed=0.2, service_dead_letters=0.05, sender_dead_letters=None
)


def tally(records: int, failed: int = 0, service: int = 0, sender: int = 0) -> ChunkTally:
    letters = {
        (Unreadable.READER_FAILED, CausedBy.SERVICE): service,
        (Unreadable.NOT_JSON, CausedBy.SENDER): sender,
    }
    return ChunkTally(submissions=records, moderation_failed=failed, dead_letters=Counter(letters))


def test_a_share_at_the_limit_does_not_trip_and_one_above_does() -> None:
    """The limit itself is allowed."""
    guard = FailureGuard(LIMITS)
    assert guard.observe(tally(100, failed=20), 0) is None
    breach = guard.observe(tally(1, failed=1), 1)
    assert breach is not None
    assert breach.cause == "moderation_failed"
    assert "21 of 101 records" in breach.message
    assert "sluice resume" in breach.message


def test_few_records_never_trip() -> None:
    """One failure after a quiet night is no wrong deploy."""
    assert FailureGuard(LIMITS).observe(tally(49, failed=49), 0) is None


def test_old_failures_leave_the_window() -> None:
    """Failures count for the window's length only."""
    guard = FailureGuard(LIMITS)
    guard.observe(tally(40, failed=40), 0)
    assert guard.observe(tally(60), 61) is None
    guard.observe(tally(40, failed=40), 100)
    assert guard.observe(tally(60), 159) is not None


def test_dead_letters_that_the_service_caused_have_their_own_limit() -> None:
    """A bug of the reader trips sooner than failed moderation."""
    breach = FailureGuard(LIMITS).observe(tally(100, service=6), 0)
    assert breach is not None
    assert breach.cause == "service_dead_letters"


@pytest.mark.parametrize(("limit", "cause"), [(None, None), (0.5, "sender_dead_letters")])
def test_dead_letters_of_senders_trip_only_when_asked_for(limit: float | None, cause: str | None) -> None:
    """A sender that sends rubbish must not stop the others, unless the operator wants that."""
    limits = GuardLimits(60, 50, 0.2, 0.05, limit)
    breach = FailureGuard(limits).observe(tally(100, sender=100), 0)
    assert (breach.cause if breach else None) == cause


def test_a_reset_forgets_the_window() -> None:
    """After a resume the worker gets a full new window."""
    guard = FailureGuard(LIMITS)
    guard.observe(tally(100, failed=100), 0)
    guard.reset()
    assert guard.observe(tally(49, failed=49), 1) is None
