from hypothesis import given
from hypothesis import strategies as st

from service.contracts.ledger import RolloutScope, SetRollout
from service.contracts.submission import Submission
from service.release.rollout import Rollout, place_advertiser, read_rollout
from tests.ads import make_ad

HASH = "ab" * 32
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc", "Z")), min_size=1)


def make(advertiser: str = "adv-1", **changes: str) -> Submission:
    return Submission.model_validate(make_ad(advertiser={"id": advertiser}, **changes))


@given(IDS, st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_narrow_rollout_lies_inside_a_wider_one(advertiser: str, one: float, other: float) -> None:
    """Whoever is in the smaller share is in the larger one of the same rollout."""
    narrow, wide = sorted((one, other))
    place = place_advertiser("spring", advertiser)
    assert 0 <= place < 1
    assert not (place < narrow / 100) or place < wide / 100


def test_the_share_is_as_wide_as_it_says() -> None:
    """Of 20,000 advertisers 1 %, 10 % and 50 % are drawn, within four standard errors; 100 % is everybody."""
    ads = [make(f"adv-{number}") for number in range(20_000)]
    for percent in (1.0, 10.0, 50.0):
        drawn = sum(Rollout("spring", HASH, percent).includes(ad) for ad in ads)
        error = (20_000 * percent / 100 * (1 - percent / 100)) ** 0.5
        assert abs(drawn - 200 * percent) < 4 * error
    assert all(Rollout("spring", HASH, 100.0).includes(ad) for ad in ads)


def test_another_rollout_draws_other_advertisers() -> None:
    """The 10 % of two rollouts share about a tenth of each other, not all."""
    ads = [make(f"adv-{number}") for number in range(10_000)]
    one = {ad.advertiser.id for ad in ads if Rollout("spring", HASH, 10.0).includes(ad)}
    other = {ad.advertiser.id for ad in ads if Rollout("summer", HASH, 10.0).includes(ad)}
    assert 50 < len(one & other) < 170


def test_an_advertisers_place_is_part_of_the_protocol() -> None:
    """A new release draws the same advertisers: the value is written down."""
    assert place_advertiser("spring", "adv-1") == 0.7938858292146297


def test_a_scope_leaves_other_ads_to_live() -> None:
    """Only ads of the scope's markets and verticals are concerned, and only they are included."""
    scope = RolloutScope(markets=("GB",), verticals=("gambling", "betting"))
    rollout = Rollout("spring", HASH, 100.0, scope)
    assert rollout.includes(make(market="GB", vertical="betting"))
    assert not rollout.concerns(make(market="DE", vertical="betting"))
    assert not rollout.includes(make(market="GB", vertical="retail"))
    assert not Rollout("spring", HASH, 100.0, RolloutScope(products=("video",))).concerns(make())


def test_an_entry_of_the_ledger_is_read() -> None:
    """Name, share, scope and sequence are those of the entry."""
    entry = SetRollout.model_validate(
        {
            "sequence": 7, "previous": HASH, "at": "2026-01-01T00:00:00Z", "author": "a", "reason": "try",
            "rollout": "spring", "bundle": HASH, "percent": 10, "scope": {"markets": ["GB"]},
        }
    )  # fmt: skip
    assert read_rollout(entry) == Rollout("spring", HASH, 10.0, RolloutScope(markets=("GB",)), 7)
