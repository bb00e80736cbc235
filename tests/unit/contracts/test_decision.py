"""The id of a decision: the same for every delivery of one record, different for any other."""

import inspect
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.contracts.decision import Origin, Reason, identify_decision
from service.contracts.examples import DECISION, REVIEW_TASK, SUBMISSION

steady = settings(max_examples=200, derandomize=True, deadline=None, database=None)
ORIGIN = Origin(topic="ads.submissions", partition=3, offset=1_204)
INPUTS = st.tuples(
    st.text(st.characters(exclude_characters="\x1f", codec="utf-8"), max_size=20),
    st.integers(0, 99),
    st.integers(0, 2**63 - 1),
    st.text(st.characters(exclude_characters="\x1f", codec="utf-8"), max_size=20),
    st.integers(0, 2**31 - 1),
)


def identify(topic: str, partition: int, offset: int, ad_id: str, revision: int) -> UUID:
    return identify_decision(Origin(topic=topic, partition=partition, offset=offset), ad_id, revision)


def test_the_id_never_changes_between_releases() -> None:
    """A redelivery after an upgrade has to have the id that was written before; this one is written down."""
    assert str(identify_decision(ORIGIN, "ad-7f3a", 2)) == "92fd341a-8100-5931-8463-461308209bb4"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("ads.other", 3, 1_204, "ad-7f3a", 2), id="topic"),
        pytest.param(("ads.submissions", 4, 1_204, "ad-7f3a", 2), id="partition"),
        pytest.param(("ads.submissions", 3, 1_205, "ad-7f3a", 2), id="offset"),
        pytest.param(("ads.submissions", 3, 1_204, "ad-7f3b", 2), id="ad"),
        pytest.param(("ads.submissions", 3, 1_204, "ad-7f3a", 3), id="revision"),
        pytest.param(("ads.submissions", 31, 204, "ad-7f3a", 2), id="digits that moved over"),
    ],
)
def test_the_id_depends_on_each_of_its_five_inputs(other: tuple[str, int, int, str, int]) -> None:
    """Another record, ad or revision is another decision."""
    assert identify(*other) != identify("ads.submissions", 3, 1_204, "ad-7f3a", 2)


def test_the_id_depends_on_nothing_else() -> None:
    """Bundle, model, clock and worker cannot change it: the function is not given them and keeps no state."""
    assert list(inspect.signature(identify_decision).parameters) == ["origin", "ad_id", "revision"]
    assert set(Origin.model_fields) == {"topic", "partition", "offset"}
    assert inspect.getclosurevars(identify_decision).nonlocals == {}
    assert len({identify_decision(ORIGIN, "ad-7f3a", 2) for _ in range(100)}) == 1


@steady
@given(INPUTS, INPUTS)
def test_different_inputs_have_different_ids(
    first: tuple[str, int, int, str, int], other: tuple[str, int, int, str, int]
) -> None:
    """No two records of ids without control characters share one."""
    assert (identify(*first) == identify(*other)) == (first == other)


def test_the_example_decision_has_its_own_id() -> None:
    """The published example can be recomputed, and its task belongs to it."""
    assert DECISION.decision_id == identify_decision(DECISION.origin, DECISION.ad_id, DECISION.revision)
    assert REVIEW_TASK.task_id == REVIEW_TASK.decision_id == DECISION.decision_id


def test_the_example_s_evidence_lies_where_it_says() -> None:
    """Spans count code points of the original field."""
    evidence = [one for reason in DECISION.reasons for one in reason.evidence]
    assert evidence
    for one in evidence:
        assert SUBMISSION.text_of(one.field)[one.start : one.end] == one.excerpt


def test_a_decision_cannot_be_changed() -> None:
    """It is passed between threads and counted after it was written."""
    with pytest.raises(ValidationError):
        DECISION.outcome = DECISION.outcome


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_score_is_a_probability(score: float) -> None:
    """A model that gives anything else must not reach a reader."""
    with pytest.raises(ValidationError):
        Reason.model_validate({"source": "model", "id": "stage_a", "outcome": "review", "score": score})
