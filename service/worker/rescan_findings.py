"""Which approved ads a bundle would decide worse now, and the records that say so; kept on disk until they are sent.

Pure but for the file: a rescan decides everything first, so that the most harmful ads are taken down first.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

from service.contracts.decision import Decision, Outcome, Reason, Source
from service.contracts.review_task import ReviewTask
from service.moderate import LiveBundle, Moderated
from service.strategy.ruling import RULE_SURENESS, SEVERITY
from service.strategy.schema import Policy
from service.worker.fitting import SizeLimits, fit_decision, fit_review_task
from service.worker.rescan_past import LastDecision

_MEMORY_BYTES = 64 * 1024 * 1024


class Finding(NamedTuple):
    """An ad to be decided otherwise: the record for each topic, and the decision that it takes the place of."""

    ad_id: str
    partition: int
    supersedes: UUID
    decision: bytes
    review_task: bytes | None


class Findings:
    """All findings of a rescan; what does not fit into memory lies in a temporary file that nobody else sees."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._places: list[tuple[int, float, int, int]] = []  # severity, harm, start, length

    def __len__(self) -> int:
        return len(self._places)

    def add(self, finding: Finding, severity: int, harm: float) -> None:
        """Keep a finding."""
        told = [finding.ad_id, finding.partition, str(finding.supersedes), finding.decision.decode()]
        line = json.dumps([*told, finding.review_task.decode() if finding.review_task else None]).encode()
        self._places.append((severity, harm, self._file.tell(), len(line)))
        self._file.write(line)

    def take_all(self) -> Iterator[Finding]:
        """Yield the findings, the most harmful first: rejections before reviews, then by expected harm."""
        for _, _, start, length in sorted(self._places, key=lambda place: (-place[0], -place[1], place[2])):
            self._file.seek(start)
            ad_id, partition, supersedes, decision, task = json.loads(self._file.read(length))
            yield Finding(ad_id, partition, UUID(supersedes), decision.encode(), task.encode() if task else None)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def is_worse(decision: Decision) -> bool:
    """Tell whether an approved ad should lose its approval: not where only a part that failed says so."""
    return decision.outcome is not Outcome.APPROVE and any(
        reason.source is not Source.FAILURE and reason.outcome is not Outcome.APPROVE for reason in decision.reasons
    )


def supersede(moderated: Moderated, last: LastDecision, bundle: str) -> Moderated:
    """Return the same ruling as the decision that takes the place of `last`; its id is a function of both."""
    decision_id = uuid5(last.decision_id, bundle)
    place = {"decision_id": decision_id, "sequence": last.sequence + 1, "supersedes": last.decision_id}
    task = moderated.review_task
    return moderated._replace(
        decision=moderated.decision.model_copy(update=place),
        review_task=task and task.model_copy(update={"task_id": decision_id, "decision_id": decision_id}),
    )


def measure_harm(reasons: Sequence[Reason], policies: Mapping[str, Policy]) -> float:
    """Return the expected harm that the reasons speak of: the largest of how sure x the policy's weight."""
    harms = [0.0]
    for reason in reasons:
        if reason.outcome is not Outcome.APPROVE:
            policy = policies.get(reason.policy) if reason.policy else None
            sureness = RULE_SURENESS[reason.outcome] if reason.score is None else reason.score
            harms.append(sureness * (policy.harm_weight if policy else 1.0))
    return max(harms)


class FindingWriter(NamedTuple):
    """Turns what `bundle` makes of an ad into a finding."""

    bundle: LiveBundle
    limits: SizeLimits

    def write(self, moderated: Moderated, last: LastDecision, submission: bytes, to: Findings) -> Outcome:
        """Add the finding and return its outcome."""
        decision, task = supersede(moderated, last, self.bundle.strategies.sha256)[:2]
        value, _ = fit_decision(decision, self.limits.decision_bytes)
        harm = measure_harm(decision.reasons, self.bundle.strategies.policies)
        finding = Finding(decision.ad_id, last.partition, last.decision_id, value, self._fit(task, submission))
        to.add(finding, SEVERITY[decision.outcome], harm)
        return decision.outcome

    def _fit(self, task: ReviewTask | None, submission: bytes) -> bytes | None:
        return None if task is None else fit_review_task(task, submission, self.limits.review_task_bytes)[0]
