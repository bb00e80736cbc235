import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from service.contracts.decision import Outcome
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.submission import Submission
from service.demo.ads import make_records
from service.moderate import moderate
from tests.moderating import load_shipped, receive

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
BROKEN = [b"ad-900", b"ad-901", b"ad-902", b"ad-903", b"ad-904"]


def read_ads() -> list[tuple[bytes, Submission]]:
    return [(key, read_submission(value)[0]) for key, value in make_records(NOW) if key not in BROKEN]


def test_the_traffic_is_the_same_each_time() -> None:
    """At the same time the demo sends the same bytes."""
    assert list(make_records(NOW)) == list(make_records(NOW))


def test_every_ad_can_be_read_and_holds_nothing_unknown() -> None:
    """Only what is meant to be broken is broken, and each ad goes under its own key."""
    for key, value in make_records(NOW):
        if key not in BROKEN:
            submission, unknown = read_submission(value)
            assert (submission.ad_id.encode(), unknown) == (key, ())
            assert submission.submitted_at == NOW
            assert submission.advertiser.created_at is not None
            assert submission.advertiser.created_at <= NOW


@pytest.mark.parametrize("key", BROKEN)
def test_a_broken_event_cannot_be_read(key: bytes) -> None:
    """The demo shows a dead letter for each."""
    values = [value for sent, value in make_records(NOW) if sent == key]
    assert len(values) == 1
    with pytest.raises(UnreadableSubmissionError):
        read_submission(values[0])


def test_keys_are_unique() -> None:
    """The demo finds an ad by its key."""
    keys = [key for key, _ in make_records(NOW)]
    assert len(set(keys)) == len(keys)


def test_broken_events_come_between_the_ads() -> None:
    """The worker goes on after each of them, and the demo shows it."""
    keys = [key for key, _ in make_records(NOW)]
    places = [keys.index(key) for key in BROKEN]
    assert places == sorted(places)
    assert places[0] > 0
    assert all(later - earlier > 1 for earlier, later in pairwise(places))


def test_the_traffic_is_mixed() -> None:
    """Several verticals, markets, languages and writing systems, known and unknown advertisers."""
    ads = [submission for _, submission in read_ads()]
    assert len(ads) >= 40
    assert len({ad.vertical for ad in ads}) >= 10
    assert len({ad.market for ad in ads}) >= 15
    assert len({ad.language for ad in ads}) >= 12
    assert len({ad.advertiser.trust_tier for ad in ads}) >= 4


def test_every_outcome_and_most_policies_are_shown() -> None:
    """Somebody who tries Sluice out sees what it can do."""
    received = [receive(ad.model_dump(mode="json"), offset) for offset, (_, ad) in enumerate(read_ads())]
    decisions = [result.decision for result in moderate(received, load_shipped(), NOW)]
    outcomes = [decision.outcome for decision in decisions]
    assert min(outcomes.count(outcome) for outcome in Outcome) >= 8
    policies = {reason.policy for decision in decisions for reason in decision.reasons}
    assert len(policies - {None}) >= 10
    assert not [decision.ad_id for decision in decisions if decision.degraded]


def test_values_are_as_a_platform_would_send_them() -> None:
    """JSON of one object a record, in UTF-8 without escapes."""
    for key, value in make_records(NOW):
        if key not in BROKEN:
            assert isinstance(json.loads(value), dict)
            assert b"\\u" not in value.replace(b"\\u200b", b"")
