"""A gate is broken by what the figures show, on the slice where they show it."""

from pathlib import Path

import pytest

from service.backtest.contest import OUTCOMES
from service.backtest.gate import check_gate, judge_gate
from service.backtest.gate_file import Gate, GateError, GateRule, read_gate
from service.backtest.tally import Found, Tally
from service.contracts.decision import Outcome

ROOT = Path(__file__).resolve().parents[3]
A, V, R = OUTCOMES


def _tally(**slices: dict[tuple[Found, Outcome, Outcome], int]) -> Tally:
    """Return counts of markets."""
    tally = Tally()
    for market, counts in slices.items():
        for key, ads in counts.items():
            for _ in range(ads):
                for dimension, value in (("market", market), ("all", "all")):
                    tally.find_cells(dimension, value).add(*key)
    return tally


def _rule(**fields: object) -> GateRule:
    return GateRule.model_validate({"name": "rule", "measure": "overkilled_of_clean", "slices": ["market"], **fields})


def _gate(*rules: GateRule, **fields: object) -> Gate:
    return Gate.model_validate({"schema_version": 1, "rules": [*rules], **fields})


WORSE = {(Found.CLEAN, A, A): 180, (Found.CLEAN, A, R): 20}
SAME = {(Found.CLEAN, A, A): 195, (Found.CLEAN, R, R): 5}
LUCK = {(Found.CLEAN, A, A): 197, (Found.CLEAN, A, R): 3}


def test_a_slice_that_clearly_gets_worse_breaks_the_gate_and_is_named() -> None:
    """From no overkill to 10 % of 200 clean ads, where 0.2 points are allowed."""
    result = judge_gate(_gate(_rule(may_grow_points=0.2)), _tally(GB=WORSE, DE=SAME))
    assert not result.passed
    (rule,) = result.rules
    assert [(one.dimension, one.value) for one in rule.broken] == [("market", "GB")]
    assert "of clean ads: from 0.00 to 10.00 % of 200, +10.00 points (limit +0.2); p = " in rule.broken[0].text
    assert (rule.looked_at, rule.too_few, rule.text) == (2, 0, "broken by 1 of 2 slices")


def test_small_slices_are_left_out_and_a_gate_that_saw_nothing_fails() -> None:
    """A gate without ads or without verdicts must not look like one that found nothing."""
    gate = _gate(_rule(may_grow_points=0.2, at_least=201))
    result = judge_gate(gate, _tally(GB=WORSE))
    assert not result.passed
    assert "nothing was judged; lower at_least, give more ads or more --verdicts" in result.rules[0].text
    assert result.rules[0].too_few == 1


def test_a_breach_may_have_to_be_shown_or_be_ruled_out() -> None:
    """Three unlucky ads of 200 show nothing, but leave much possible."""
    tally = _tally(GB=LUCK)
    assert judge_gate(_gate(_rule(may_grow_points=0.2)), tally).passed
    strict = judge_gate(_gate(_rule(may_grow_points=0.2, breaks_when="possible")), tally)
    assert not strict.passed
    assert "is possible at 0.95 confidence" in strict.rules[0].broken[0].text


def test_many_looks_are_corrected() -> None:
    """A slice that breaks the rule alone does not break it as one of forty, unless nobody corrects."""
    odd = {(Found.CLEAN, A, A): 193, (Found.CLEAN, A, R): 7}
    slices = {"GB": odd, **{f"M{number}": SAME for number in range(39)}}
    broken = {
        correction: len(
            judge_gate(_gate(_rule(may_grow_points=1), correction=correction), _tally(**slices)).rules[0].broken
        )
        for correction in ("none", "bonferroni", "holm")
    }
    assert broken == {"none": 1, "bonferroni": 0, "holm": 0}
    assert len(judge_gate(_gate(_rule(may_grow_points=1)), _tally(GB=odd)).rules[0].broken) == 1


def test_holm_finds_what_bonferroni_misses() -> None:
    """Once the worst slice has broken the rule, the next is judged among one fewer."""
    second = {(Found.CLEAN, A, A): 191, (Found.CLEAN, A, R): 9}
    tally = _tally(GB=WORSE, DE=second)
    found = {
        correction: len(judge_gate(_gate(_rule(may_grow_points=1.7), correction=correction), tally).rules[0].broken)
        for correction in ("none", "bonferroni", "holm")
    }
    assert found == {"none": 2, "bonferroni": 1, "holm": 2}


def test_a_share_may_have_a_limit_of_its_own() -> None:
    """Without a baseline, too."""
    tally = _tally(GB={(Found.NOTHING, V, V): 60, (Found.NOTHING, A, A): 40})
    gate = _gate(_rule(measure="reviewed", at_most_points=40, at_least=50))
    check_gate(gate, compared=False)
    result = judge_gate(gate, tally)
    assert "Sent to review: 60.00 %, 60 of 100 (limit 40 %)" in result.rules[0].broken[0].text
    assert judge_gate(_gate(_rule(measure="reviewed", at_most_points=70, at_least=50)), tally).passed


def test_a_rule_that_compares_needs_a_baseline() -> None:
    """Told before any ad is decided."""
    with pytest.raises(GateError, match="name a baseline with --against"):
        check_gate(_gate(_rule(may_grow_points=1)), compared=False)


def test_the_shipped_example_is_a_gate() -> None:
    """deploy/gate.yaml can be used as it stands."""
    gate = read_gate(ROOT / "deploy" / "gate.yaml")
    assert gate.correction == "holm"
    assert gate.compares


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema_version: 1\n", ":1:1: field 'rules' is missing in the file; add 'rules:'"),
        ("schema_version: 1\nrules:\n  - nam: x\n    measure: rejected\n    at_most_points: 1\n",
         ":3:5: unknown field 'nam'; did you mean 'name'?"),
        ("schema_version: 1\nrules:\n  - name: x\n    measure: overkill\n    at_most_points: 1\n",
         ":4:14: rules.0.measure: input should be 'approved', 'reviewed'"),
        ("schema_version: 1\nrules:\n  - name: x\n    measure: rejected\n",
         "a rule needs either may_grow_points or at_most_points"),
        ("schema_version: 1\nrules:\n  - name: x\n    measure: leaked_of_approved\n    may_grow_points: 1\n",
         "leaked_of_approved is a share of other ads before and after"),
        ("schema_version: 1\nrules: []\nrules: []\n", "not YAML"),
    ],
)  # fmt: skip
def test_mistakes_in_the_file_have_their_place_and_a_remedy(tmp_path: Path, text: str, told: str) -> None:
    """As those of strategies."""
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    with pytest.raises(GateError) as caught:
        read_gate(path)
    assert str(caught.value).startswith(f"{path}:")
    assert told in str(caught.value)


def test_a_missing_gate_is_told(tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(GateError, match="name a file of YAML"):
        read_gate(tmp_path / "gate.yaml")
