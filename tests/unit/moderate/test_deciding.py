import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.classifier import Classifier
from service.contracts.decision import Outcome, Source, identify_decision
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.demo.ads import make_records
from service.moderate import LiveBundle, Moderated, Received, moderate, moderate_or_review
from service.rules import AdView
from service.strategy import Bundle, CompiledStrategy, RuleResult
from tests.ads import encode_ad, make_ad, stream_ads
from tests.moderating import NOW, load_shipped, make_classifier, make_small_bundle, receive, say

SCORES = {"sure": (0.95, 0.0), "maybe": (0.5, 0.0), "fraud": (0.0, 0.6), "odd": (0.123456, 0.0)}


@pytest.fixture(scope="module")
def shipped() -> LiveBundle:
    return load_shipped()


@pytest.fixture
def small(tmp_path: Path) -> LiveBundle:
    return make_small_bundle(tmp_path, make_classifier(SCORES))


def read_traffic() -> list[Received]:
    """Return all readable ads of the demo and of the tests' stream."""
    received = []
    for offset, (_, value) in enumerate([*make_records(NOW), *stream_ads(20)]):
        try:
            submission, _ = read_submission(value)
        except UnreadableSubmissionError:
            continue
        received.append(receive(submission.model_dump(mode="json"), offset))
    return received


def to_bytes(result: Moderated) -> tuple[str, str]:
    task = result.review_task.model_dump_json() if result.review_task else ""
    return result.decision.model_dump_json(), task


class FailingStrategy(CompiledStrategy):
    """A real strategy whose rules raise on ads with the mark."""

    def __init__(self, whole: CompiledStrategy, mark: str) -> None:
        self.__dict__.update(whole.__dict__)
        self._mark = mark

    def evaluate_rules(
        self,
        ads: Sequence[AdView],
        scores: Sequence[Mapping[str, float]] | None,
        as_of: datetime,
    ) -> list[list[RuleResult]]:
        if any(self._mark in ad.submission.creative.headline for ad in ads):
            raise ZeroDivisionError("the engine is broken")
        return super().evaluate_rules(ads, scores, as_of)


class FailingBundle(Bundle):
    """A real bundle with failing strategies."""

    def __init__(self, whole: Bundle, mark: str) -> None:
        self.__dict__.update(whole.__dict__)
        self._failing = {id(strategy): FailingStrategy(strategy, mark) for strategy in whole.strategies}

    def strategy_for(self, submission: object, as_of: datetime) -> CompiledStrategy:
        return self._failing[id(super().strategy_for(submission, as_of))]  # type: ignore[arg-type]


def test_an_empty_batch_gives_nothing(shipped: LiveBundle) -> None:
    """A chunk of unreadable records alone must not trip over the model."""
    assert moderate([], shipped, NOW) == []
    assert moderate_or_review([], shipped, NOW) == []


def test_the_same_input_gives_the_same_bytes(shipped: LiveBundle) -> None:
    """A decision is a function of submissions, bundle and time: nothing else leaks in."""
    traffic = read_traffic()
    first = [to_bytes(result) for result in moderate(traffic, shipped, NOW)]
    assert first == [to_bytes(result) for result in moderate(read_traffic(), shipped, NOW)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_neighbours_change_nothing(shipped: LiveBundle, seed: int) -> None:
    """Each ad has the same decision and task alone and in any batch, byte for byte."""
    traffic = read_traffic()
    shuffled = random.Random(seed).sample(traffic, len(traffic))  # noqa: S311 - a fixed shuffle
    together = moderate(shuffled, shipped, NOW)
    alone = [moderate([received], shipped, NOW)[0] for received in shuffled]
    assert [to_bytes(result) for result in together] == [to_bytes(result) for result in alone]


def test_results_come_in_the_order_of_the_submissions(shipped: LiveBundle) -> None:
    """The worker pairs records with results by their place."""
    traffic = read_traffic()
    results = moderate(traffic, shipped, NOW)
    assert [r.decision.ad_id for r in results] == [ad.submission.ad_id for ad in traffic]
    assert [r.decision.origin for r in results] == [ad.origin for ad in traffic]


def test_submissions_are_left_as_they_were(shipped: LiveBundle) -> None:
    """Moderating may not write into what it reads."""
    traffic = read_traffic()
    before = [ad.submission.model_dump_json() for ad in traffic]
    moderate(traffic, shipped, NOW)
    assert [ad.submission.model_dump_json() for ad in traffic] == before


def test_every_review_has_a_task_and_nothing_else_has_one(shipped: LiveBundle) -> None:
    """An uncertain ad without a task would never be looked at."""
    results = moderate(read_traffic(), shipped, NOW)
    assert {result.decision.outcome for result in results} == set(Outcome)
    for decision, task, *_ in results:
        assert (task is not None) == (decision.outcome is Outcome.REVIEW)
        if task:
            assert (task.task_id, task.decision_id) == (decision.decision_id, decision.decision_id)
            assert (task.reasons, task.scores, task.degraded) == (decision.reasons, decision.scores, decision.degraded)


def test_a_text_that_the_classifier_cannot_score_goes_to_review_alone(tmp_path: Path) -> None:
    """One poisonous text costs its neighbours nothing, and is itself never approved."""
    bundle = make_small_bundle(tmp_path / "a", make_classifier(SCORES, poison="poison"))
    whole = make_small_bundle(tmp_path / "b", make_classifier(SCORES))
    ads = [say("maybe fine", "a", 0), say("some poison here", "b", 1), say("hello there", "c", 2)]
    first, bad, last = moderate(ads, bundle, NOW)
    assert bad.model_failed
    assert not bad.failed
    assert bad.decision.degraded == ("classifier_failed",)
    assert bad.decision.outcome is Outcome.REVIEW
    assert [(r.source, r.id, r.detail) for r in bad.decision.reasons] == [
        (Source.FAILURE, "classifier_failed", "RuntimeError: cannot score poison")
    ]
    assert bad.decision.scores == {}
    assert bad.review_task is not None
    assert bad.review_task.due_at == NOW + timedelta(minutes=240)
    expected = moderate(ads, whole, NOW)
    assert [to_bytes(first), to_bytes(last)] == [to_bytes(expected[0]), to_bytes(expected[2])]


def test_rules_still_reject_where_the_classifier_failed(tmp_path: Path) -> None:
    """A failure asks for a look; it never hides a rejection that a rule has found."""
    bundle = make_small_bundle(tmp_path, make_classifier(poison="poison"))
    result = moderate([say("casino poison")], bundle, NOW)[0]
    assert result.decision.outcome is Outcome.REJECT
    assert result.decision.degraded == ("classifier_failed",)
    assert [reason.source for reason in result.decision.reasons] == [Source.RULE, Source.FAILURE]


def test_a_rule_that_fails_on_an_ad_is_seen(small: LiveBundle) -> None:
    """An attribute of an unexpected type must not let the ad pass by the rule."""
    bad, fine = moderate(
        [say("hello there", attributes={"discount": "lots"}), say("hello there", attributes={"discount": 10.0})],
        small,
        NOW,
    )
    assert bad.failed_rules == ("big-discount",)
    assert bad.decision.degraded == ("rule_failed:big-discount",)
    assert bad.decision.outcome is Outcome.REVIEW
    assert [(r.source, r.id, r.policy) for r in bad.decision.reasons] == [
        (Source.FAILURE, "rule_failed:big-discount", "scam_fraud")
    ]
    assert fine.decision.outcome is Outcome.APPROVE
    assert fine.failed_rules == ()


def test_moderate_raises_what_it_cannot_place(small: LiveBundle) -> None:
    """Only parts that are known to fail become reasons; the caller learns of all else."""
    bundle = small._replace(strategies=FailingBundle(small.strategies, "broken"))
    with pytest.raises(ZeroDivisionError):
        moderate([say("broken ad")], bundle, NOW)


class StrayBundle(Bundle):
    """A real bundle that finds no strategy for any ad."""

    def __init__(self, whole: Bundle) -> None:
        self.__dict__.update(whole.__dict__)

    def strategy_for(self, submission: object, as_of: datetime) -> CompiledStrategy:  # noqa: ARG002 - the real one
        raise LookupError(f"no strategy covers this {type(submission).__name__}")


def test_an_ad_without_a_strategy_is_answered_all_the_same(small: LiveBundle) -> None:
    """Whatever fails, there is a review and a task: an ad without an answer would be tried for ever."""
    (result,) = moderate_or_review([say("hello")], small._replace(strategies=StrayBundle(small.strategies)), NOW)
    assert result.failed
    assert (result.decision.outcome, result.decision.strategy) == (Outcome.REVIEW, None)
    assert result.decision.reasons[0].detail == "LookupError: no strategy covers this Submission"
    assert result.review_task is not None
    assert result.review_task.due_at > NOW


def test_an_ad_on_which_moderation_fails_goes_to_review_alone(small: LiveBundle) -> None:
    """The failing ad gets a review that says so; its neighbours get what they would have got."""
    bundle = small._replace(strategies=FailingBundle(small.strategies, "broken"))
    ads = [say("sure casino", "a", 0), say("broken ad", "b", 1), say("maybe", "c", 2), say("hello", "d", 3)]
    results = moderate_or_review(ads, bundle, NOW)
    expected = moderate(ads, small, NOW)
    assert [r.failed for r in results] == [False, True, False, False]
    assert [to_bytes(results[i]) for i in (0, 2, 3)] == [to_bytes(expected[i]) for i in (0, 2, 3)]
    decision, task, *_ = results[1]
    assert decision.outcome is Outcome.REVIEW
    assert decision.decision_id == expected[1].decision.decision_id
    assert [(r.source, r.id, r.detail) for r in decision.reasons] == [
        (Source.FAILURE, "moderation_failed", "ZeroDivisionError: the engine is broken")
    ]
    assert decision.degraded == ("moderation_failed",)
    assert task is not None
    assert task.submission == ads[1].submission


def test_a_failure_of_the_evidence_is_a_review_not_an_approval(tmp_path: Path) -> None:
    """A model that scores a text and then fails on its single words must not lose the ad."""

    class OnlyWholeTexts(Classifier):
        def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if "sure" in texts:
                raise RuntimeError("no single words")
            return super().score(texts)

    base = make_classifier(SCORES)
    bundle = make_small_bundle(tmp_path, OnlyWholeTexts(base._stage, base.model_hash))
    failed, fine = moderate_or_review([say("sure thing", "a"), say("hello there", "b", 1)], bundle, NOW)
    assert (failed.failed, failed.decision.outcome) == (True, Outcome.REVIEW)
    assert failed.review_task is not None
    assert (fine.failed, fine.decision.outcome) == (False, Outcome.APPROVE)


@pytest.mark.parametrize("creative", [{}, {"landing_url": "https://shop.example/"}, {"headline": ""}])
def test_an_ad_without_text_is_looked_at(shipped: LiveBundle, creative: dict[str, str]) -> None:
    """Nothing to judge is no reason to approve."""
    decision, task, *_ = moderate([receive(make_ad(creative=creative))], shipped, NOW)[0]
    assert decision.outcome is Outcome.REVIEW
    assert [(r.source, r.id) for r in decision.reasons] == [(Source.FAILURE, "no_text")]
    assert "image_text" in decision.reasons[0].detail
    assert decision.degraded == ("no_text",)
    assert task is not None


def test_the_decision_id_is_the_contracts(small: LiveBundle) -> None:
    """A re-delivered record has the same id whatever is live then; another record has another."""
    ad = say("sure casino", "ad-9", 41, revision=5)
    decision = moderate([ad], small, NOW)[0].decision
    assert decision.decision_id == identify_decision(ad.origin, "ad-9", 5)
    later = small._replace(classifier=make_classifier())
    assert moderate([ad], later, NOW + timedelta(days=9))[0].decision.decision_id == decision.decision_id
    assert moderate([say("sure casino", "ad-9", 42, revision=5)], small, NOW)[0].decision != decision


def test_times_and_references_are_those_given(small: LiveBundle) -> None:
    """A decision says by what, when and from where it was made."""
    ad = say("hello there")
    decision = moderate([ad], small, NOW)[0].decision
    assert (decision.decided_at, decision.received_at) == (NOW, ad.received_at)
    assert decision.submitted_at == ad.submission.submitted_at
    assert decision.bundle == small.strategies.ref
    assert decision.model == small.model_ref
    assert decision.sequence == 0
    assert decision.supersedes is None


def test_an_approval_owes_no_statement(small: LiveBundle) -> None:
    """Nothing was restricted, so there is nothing to state."""
    decision = moderate([say("hello there")], small, NOW)[0].decision
    assert decision.outcome is Outcome.APPROVE
    assert (decision.statement, decision.messages, decision.reasons) == (None, (), ())


def test_a_rejection_states_its_ground(small: LiveBundle) -> None:
    """The advertiser is told what was found, by which law or clause, where it applies and how to appeal."""
    decision = moderate([say("casino", market="AT")], small, NOW)[0].decision
    statement = decision.statement
    assert decision.outcome is Outcome.REJECT
    assert statement is not None
    assert (statement.restriction, statement.territory) == ("not_published", ("AT",))
    assert (statement.ground, statement.ground_reference) == ("law", "A law")
    assert statement.how_to_appeal == "Write to us."
    assert "Gambling" in statement.facts
    assert (statement.own_initiative, statement.automated_detection, statement.automated_decision) == (True,) * 3


def test_a_review_claims_no_violation(small: LiveBundle) -> None:
    """While nothing is established no ground is named."""
    statement = moderate([say("maybe this")], small, NOW)[0].decision.statement
    assert statement is not None
    assert (statement.restriction, statement.ground, statement.ground_reference) == ("held_for_review", "none", "")
    assert "a person will look at it" in statement.facts


def test_messages_and_statements_give_nothing_away(shipped: LiveBundle) -> None:
    """What an advertiser reads holds no score, no threshold, no rule's id and no list's name."""
    restricted = [r.decision for r in moderate(read_traffic(), shipped, NOW) if r.decision.statement]
    assert len(restricted) > 20
    for decision in restricted:
        assert decision.statement is not None
        shown = " ".join([message.text for message in decision.messages] + [decision.statement.facts])
        for reason in decision.reasons:
            assert reason.id not in shown
            for evidence in reason.evidence:
                assert evidence.matched not in shown or not evidence.matched
        assert not [word for word in shown.split() if word.startswith("0.")]


def test_a_task_is_due_by_the_most_urgent_policy(small: LiveBundle) -> None:
    """An ad in doubt for two policies is due when the first of them is."""
    (_, gambling, *_), (_, both, *_) = moderate([say("maybe"), say("maybe fraud")], small, NOW)
    assert gambling is not None
    assert both is not None
    assert (gambling.due_at, gambling.created_at) == (NOW + timedelta(minutes=60), NOW)
    assert both.due_at == NOW + timedelta(minutes=30)


def test_tasks_are_ranked_by_expected_harm(small: LiveBundle) -> None:
    """A likely fraud (0.6 x 4) comes before a possible game of chance (0.5 x 2)."""
    (_, gambling, *_), (_, fraud, *_) = moderate([say("maybe"), say("fraud")], small, NOW)
    assert gambling is not None
    assert fraud is not None
    assert (gambling.priority_policy, fraud.priority_policy) == ("gambling", "scam_fraud")
    assert [gambling.priority, fraud.priority] == pytest.approx([1.0, 2.4])


def test_scores_are_rounded_before_they_are_judged(small: LiveBundle) -> None:
    """A reader who compares the score that is shown with the threshold comes to the same outcome."""
    decision = moderate([say("odd thing")], small, NOW)[0].decision
    assert decision.scores == {"gambling": 0.1235, "scam_fraud": 0.0}
    edge = small._replace(classifier=make_classifier({"edge": (0.39996, 0.0)}))
    judged = moderate([say("edge case")], edge, NOW)[0].decision
    assert (judged.outcome, judged.scores["gambling"]) == (Outcome.REVIEW, 0.4)
    assert (judged.reasons[0].score, judged.reasons[0].threshold) == (0.4, 0.4)


def test_model_reasons_have_evidence_in_the_original(shipped: LiveBundle) -> None:
    """A reviewer sees the words that speak for a score, where they stand in the ad."""
    ad = say("Best Ｃａｓｉｎｏ bonus in town", market="DE")
    reasons = moderate([ad], shipped, NOW)[0].decision.reasons
    found = [evidence for reason in reasons if reason.source is Source.MODEL for evidence in reason.evidence]
    assert "Ｃａｓｉｎｏ" in {evidence.excerpt for evidence in found}
    for evidence in found:
        assert ad.submission.text_of(evidence.field)[evidence.start : evidence.end] == evidence.excerpt


def test_near_duplicates_share_a_group(small: LiveBundle) -> None:
    """One look of a reviewer can settle all copies of a creative."""
    tasks = [
        result.review_task for result in moderate([say("Maybe  this!"), say("maybe this"), say("fraud")], small, NOW)
    ]
    keys = [task.group_key for task in tasks if task]
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


def test_what_was_read_from_bytes_is_what_is_decided(shipped: LiveBundle) -> None:
    """The submission in a task is the ad as it was sent."""
    ad = make_ad(vertical="loans")
    submission, _ = read_submission(encode_ad(ad))
    task = moderate([Received(submission, receive(ad).origin, NOW)], shipped, NOW)[0].review_task
    assert task is not None
    assert task.submission == submission
