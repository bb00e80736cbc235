import pytest

from service.contracts.submission import Submission
from service.rules import AdvertiserIndex, AdView
from service.rules.advertisers import read_advertiser
from tests.ads import make_ad

INDEX = AdvertiserIndex([("banned", ["adv-7", "ADV-8"]), ("watched", ["adv-7"])])


def search(advertiser: str) -> list[tuple[str, str, str, int, int]]:
    ad = AdView(Submission.model_validate(make_ad(advertiser={"id": advertiser})))
    return [(hit.list, hit.entry, hit.place.field, hit.place.start, hit.place.end) for hit in INDEX.search(ad)]


def test_an_advertiser_on_several_lists_hits_each() -> None:
    """The whole id is the evidence."""
    assert search("adv-7") == [("banned", "adv-7", "advertiser.id", 0, 5), ("watched", "adv-7", "advertiser.id", 0, 5)]


@pytest.mark.parametrize("advertiser", ["adv-77", "adv", "ADV-7", "adv-8"])
def test_ids_are_compared_as_they_are_sent(advertiser: str) -> None:
    """An id is no word: a longer, shorter or otherwise spelt one is somebody else."""
    assert search(advertiser) == []


@pytest.mark.parametrize("entry", ["two words", "x" * 129, "tab\there", "\x07"])
def test_entries_that_are_no_id(entry: str) -> None:
    """No submission could send them."""
    assert read_advertiser(entry) is None
    assert read_advertiser("acct:12/34") == "acct:12/34"
