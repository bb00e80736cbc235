"""Verdicts are found by ad and revision, and a file with mistakes says all of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.backtest.verdicts import Verdict, Verdicts, VerdictsError, no_verdicts, read_verdicts

Read = Callable[..., Verdicts]


def test_a_revisions_own_verdict_goes_before_the_ads(judge_verdicts: Read) -> None:
    """A verdict without a revision holds for all of them that have none of their own."""
    verdicts = judge_verdicts(
        {"ad_id": "a", "violates": True, "policies": ["scam_fraud", "gambling"]},
        {"ad_id": "a", "revision": 2, "violates": False},
        {"ad_id": "b", "revision": 1, "violates": True},
    )
    assert verdicts.find("a", 1) == Verdict(violates=True, policies=("gambling", "scam_fraud"))
    assert verdicts.find("a", 2) == Verdict(violates=False)
    assert verdicts.find("b", 1) == Verdict(violates=True)
    assert verdicts.find("b", 2) is None
    assert verdicts.find("c", 1) is None
    assert len(verdicts) == 3


def test_a_later_line_replaces_an_earlier_one(judge_verdicts: Read) -> None:
    """People correct themselves; among many others, too."""
    others = [{"ad_id": f"x{number}", "violates": True} for number in range(500)]
    verdicts = judge_verdicts({"ad_id": "a", "violates": True}, *others, {"ad_id": "a", "violates": False})
    assert verdicts.find("a", 9) == Verdict(violates=False)
    assert all(verdicts.find(f"x{number}", 1) == Verdict(violates=True) for number in range(500))
    assert len(verdicts) == 501


def test_no_file_has_no_verdicts() -> None:
    """Every ad is one that nobody looked at."""
    assert no_verdicts().find("a", 1) is None


def test_all_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    """File, line, field and what is wrong."""
    path = tmp_path / "verdicts.jsonl"
    path.write_text('{"ad_id": "a", "violates": true}\n{oops\n\n{"ad_id": "b"}\n{"ad_id": "c", "violates": "yes"}\n')
    with pytest.raises(VerdictsError) as caught:
        read_verdicts(path)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{path}:2: not JSON; write a line such as")
    assert lines[1:] == [
        f"{path}:4: violates: field required",
        f"{path}:5: violates: input should be a valid boolean",
    ]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(VerdictsError, match="No such file or directory; name a file of JSON Lines"):
        read_verdicts(tmp_path / "none")


@pytest.mark.parametrize(
    ("verdict", "policy", "against"),
    [
        (Verdict(violates=True, policies=("gambling",)), "gambling", True),
        (Verdict(violates=True, policies=("gambling",)), "weapons", False),
        (Verdict(violates=True), "weapons", True),
        (Verdict(violates=True, policies=("gambling",)), None, True),
        (Verdict(violates=False), "gambling", False),
    ],
)
def test_a_verdict_speaks_against_the_policies_that_it_names(
    verdict: Verdict, policy: str | None, *, against: bool
) -> None:
    """One that names none speaks for any of them."""
    assert verdict.speaks_against(policy) is against
