"""Gives the classifier's reasons their evidence: which words of the ad speak for the policy."""

from collections.abc import Sequence

from service.answer import Judged
from service.classifier import Classifier
from service.classifier.evidence import Question, find_evidence
from service.contracts.decision import Outcome, Source
from service.rules import AdView
from service.strategy import Ruling

_EXPLAINED_REASONS = 2


def explain_scores(judged: Sequence[Judged], ads: Sequence[AdView], classifier: Classifier) -> list[Judged]:
    """Return the same with evidence for the weightiest model reasons of each restricted ad."""
    wanted = [_choose_policies(item.ruling) for item in judged]
    asked = [index for index, policies in enumerate(wanted) if policies]
    answers = find_evidence([Question(ads[index].text_fields, wanted[index]) for index in asked], classifier)
    explained = list(judged)
    for index, evidence in zip(asked, answers, strict=True):
        ruling = judged[index].ruling
        reasons = tuple(
            reason.model_copy(update={"evidence": evidence[reason.policy]})
            if reason.source is Source.MODEL and reason.policy in evidence
            else reason
            for reason in ruling.reasons
        )
        explained[index] = judged[index]._replace(ruling=ruling._replace(reasons=reasons))
    return explained


def _choose_policies(ruling: Ruling) -> list[str]:
    if ruling.outcome is Outcome.APPROVE:
        return []
    scored = [reason.policy for reason in ruling.reasons if reason.source is Source.MODEL and reason.policy]
    return scored[:_EXPLAINED_REASONS]
