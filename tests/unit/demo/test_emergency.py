import json
from typing import Any

import pytest

from service.contracts.decision import Outcome
from service.contracts.examples import DECISION
from service.demo.emergency import EmergencyError, choose_ad
from tests.ads import encode_ad, make_ad


def decide(ad_id: str, outcome: Outcome) -> Any:  # noqa: ANN401 - a decision
    return DECISION.model_copy(update={"ad_id": ad_id, "outcome": outcome})


def test_the_host_of_an_approved_ad_is_blocked_and_the_ad_comes_again() -> None:
    """As its next revision, or the platform would take it for a repetition."""
    records = [(b"ad-1", encode_ad(make_ad("ad-1"))), (b"ad-2", encode_ad(make_ad("ad-2")))]
    decisions = [decide("ad-1", Outcome.REJECT), decide("ad-2", Outcome.APPROVE)]
    host, ad = choose_ad(decisions, records)
    assert host == "www.shop.example"
    assert ad == {**json.loads(records[1][1]), "revision": 2}


def test_without_an_approved_ad_there_is_nothing_to_show() -> None:
    """The demo says so."""
    with pytest.raises(EmergencyError, match="no approved ad"):
        choose_ad([], [])
