"""What the shipped model and strategy make of ads that policy staff have decided."""

import pytest

from service.contracts.decision import Outcome
from service.moderate import moderate
from tests.golden.reading import Case, make_received, read_cases
from tests.moderating import NOW, load_shipped

CASES = read_cases()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    """The ad gets the outcome, by the policies and rules, with the words marked, that its case names."""
    case = CASES[name]
    decision = moderate([make_received(case.ad)], load_shipped(), NOW)[0].decision
    told: dict[str, set[str | None]] = {
        "policies": {reason.policy for reason in decision.reasons},
        "rules": {reason.id for reason in decision.reasons},
        "marked": {evidence.excerpt for reason in decision.reasons for evidence in reason.evidence},
    }
    missing = {kind: set(getattr(case, kind)) - found for kind, found in told.items()}
    assert (decision.outcome, {kind: names for kind, names in missing.items() if names}) == (case.outcome, {}), told
    assert not decision.degraded


def test_the_cases_cover_much() -> None:
    """Enough cases, of every outcome, for most policies, in many markets."""
    policies = {policy for case in CASES.values() for policy in case.policies}
    assert len(CASES) >= 40
    assert {case.outcome for case in CASES.values()} == set(Outcome)
    assert len(policies) >= 13
    assert len({case.ad.market for case in CASES.values()}) >= 15


def test_an_approval_names_nothing() -> None:
    """A case that is approved has no reasons to name; one that is not names at least one policy."""
    assert [name for name, case in CASES.items() if (case.outcome is Outcome.APPROVE) == bool(case.policies)] == []


def is_met(case: Case) -> bool:
    return case.wanted is not None and case.wanted is case.outcome


def test_wishes_are_not_yet_met() -> None:
    """A case that is decided as wanted loses its `wanted`; one that is not says why."""
    assert [name for name, case in CASES.items() if is_met(case)] == []
    assert [name for name, case in CASES.items() if case.wanted and not case.why] == []
