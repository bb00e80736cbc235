from datetime import UTC, datetime, timedelta

import pytest

from service.contracts.decision import Outcome
from service.contracts.ledger import Block, BlockKind
from service.contracts.submission import Submission
from service.release.blocks import BlockError, Blocks, check_value, hash_text
from service.rules.ad_view import AdView
from tests.ads import make_ad

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
TEXT = "Win a FREE   phone today"


def block(what: BlockKind, value: str, name: str = "b-1", hours: int = 48) -> Block:
    return Block(
        sequence=1, previous="0" * 64, at=NOW, author="kim", reason="wave of fakes", block=name, what=what,
        value=value, policy="scam_fraud", expires_at=NOW + timedelta(hours=hours),
    )  # fmt: skip


def view(**creative: str) -> AdView:
    return AdView(Submission.model_validate(make_ad(creative=creative)))


@pytest.mark.parametrize(
    ("what", "value", "ad", "field", "excerpt"),
    [
        ("host", "evil.example", view(headline="x", landing_url="https://a.evil.example/1"), "creative.landing_url",
         "https://a.evil.example/1"),
        ("host", "evil.example", view(headline="go to evil.example now"), "creative.headline", "evil.example"),
        ("advertiser", "adv-7", view(headline="x"), "advertiser.id", "adv-7"),
        ("term", "free phone", view(body="a Free Phone!"), "creative.body", "Free Phone"),
        ("term", "free phone", view(body="a fr3e ph0ne!"), "creative.body", "fr3e ph0ne"),
        ("text-hash", hash_text(TEXT), view(headline=TEXT, body="new"), "creative.headline", TEXT),
        ("text-hash", hash_text(TEXT), view(headline=TEXT.upper()), "creative.headline", TEXT.upper()),
        ("text-hash", hash_text("one\n\ntwo"), view(headline="one", body="two"), "creative.headline", "one"),
    ],
)  # fmt: skip
def test_what_is_blocked_is_rejected_with_evidence(
    what: BlockKind, value: str, ad: AdView, field: str, excerpt: str
) -> None:
    """Each kind finds its ad, names itself, and marks the place in the original."""
    (result,) = Blocks([block(what, value)]).find(ad, NOW)
    assert (result.rule, result.policy, result.outcome) == ("block/b-1", "scam_fraud", Outcome.REJECT)
    assert "wave of fakes" in result.detail
    assert "kim" in result.detail
    evidence = result.evidence[0]
    assert (evidence.field, evidence.excerpt) == (field, excerpt)
    assert evidence.end - evidence.start == len(excerpt)


@pytest.mark.parametrize(
    "entry",
    [
        block("host", "evil.example"),
        block("advertiser", "adv-8"),
        block("advertiser", "adv"),
        block("term", "free phones"),
        block("text-hash", hash_text(TEXT)),
    ],
)
def test_other_ads_are_left_alone(entry: Block) -> None:
    """Neighbours by name are not meant: another host's ending, another advertiser's beginning, part of a text."""
    ad = view(headline=TEXT + "!?", body="freephoned", landing_url="https://notevil.example/")
    assert Blocks([entry]).find(ad, NOW) == []


def test_a_block_ends_at_its_time_by_the_decisions_clock() -> None:
    """It holds until the moment it expires, not after."""
    blocks = Blocks([block("advertiser", "adv-7", hours=1)])
    ad = view(headline="x")
    assert blocks.find(ad, NOW + timedelta(minutes=59))
    assert not blocks.find(ad, NOW + timedelta(hours=1))
    assert blocks.count_in_force(NOW) == 1
    assert blocks.count_in_force(NOW + timedelta(hours=1)) == 0


def test_several_blocks_are_told_apart() -> None:
    """An ad under two blocks gets two reasons, each with its own evidence."""
    blocks = Blocks([block("advertiser", "adv-7", "b-1"), block("term", "free phone", "b-2")])
    found = {result.rule: result.evidence[0].field for result in blocks.find(view(body="free phone"), NOW)}
    assert found == {"block/b-1": "advertiser.id", "block/b-2": "creative.body"}


@pytest.mark.parametrize(
    ("what", "value", "words"),
    [
        ("host", "https://evil.example/x", "is no host"),
        ("term", "no", "too short"),
        ("term", "...", "nothing is left"),
        ("text-hash", "abc", "no SHA-256"),
    ],
)
def test_what_cannot_be_looked_for_is_told(what: BlockKind, value: str, words: str) -> None:
    """The same check serves the command line and the worker."""
    with pytest.raises(BlockError, match=words):
        check_value(what, value)
    with pytest.raises(BlockError, match=words):
        Blocks([block(what, value)])
