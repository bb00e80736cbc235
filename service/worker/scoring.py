"""The pipeline of a chunk: read each record, moderate what can be read, and write the outputs' bytes. No Kafka here."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from service.contracts.dead_letter import DeadLetter
from service.contracts.decision import Origin
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.moderate import Moderated, Received, moderate_deployed
from service.worker.dead_letter_record import build_dead_letter
from service.worker.fitting import SizeLimits, fit_decision, fit_review_task
from service.worker.in_force import InForce
from service.worker.outputs import ChunkOutputs, InputRecord, OutputRecord


@dataclass(frozen=True)
class ScoringPipeline:
    """`Pipeline` over what is in force. That and the clock, `now`, are read once a chunk: one version, one time."""

    in_force: InForce
    limits: SizeLimits
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self, records: Sequence[InputRecord]) -> ChunkOutputs:
        """Return a decision or a dead letter for every record, in order."""
        started_s = time.perf_counter()
        deployment, build = self.in_force.take()
        outputs = ChunkOutputs(build=build)
        outputs.tally.submissions = len(records)
        received = [(record, ad) for record in records if (ad := self._read(record, outputs)) is not None]
        result_of_all = moderate_deployed([ad for _, ad in received], deployment, self.now())
        outputs.pairs = result_of_all.pairs
        for (record, _), result in zip(received, result_of_all.moderated, strict=True):
            self._write(record, result, outputs, (time.perf_counter() - started_s) * 1_000)
        return outputs

    def _read(self, record: InputRecord, outputs: ChunkOutputs) -> Received | None:
        tally = outputs.tally
        tally.submission_bytes += len(record.value or b"")
        try:
            submission, unknown = read_submission(record.value)
        except UnreadableSubmissionError as error:
            tally.count_dead_letter(error.dead_letter)
            outputs.dead_letters.append(self._bury(record, error.dead_letter, outputs))
            return None
        tally.unknown_fields.update(unknown)
        tally.key_mismatches += record.key != submission.ad_id.encode()
        origin = Origin(topic=record.topic, partition=record.partition, offset=record.offset)
        return Received(submission, origin, to_time(record.timestamp))

    def _bury(self, record: InputRecord, letter: DeadLetter, outputs: ChunkOutputs) -> OutputRecord:
        buried = build_dead_letter(record, letter, outputs.build, self.limits.dead_letter_bytes)
        outputs.tally.outputs_cut["dead_letter"] += buried.value != record.value
        return OutputRecord(buried.key, buried.value, buried.headers)

    def _write(self, record: InputRecord, result: Moderated, outputs: ChunkOutputs, elapsed_ms: float) -> None:
        tally = outputs.tally
        decision = result.decision.model_copy(update={"processing_ms": round(elapsed_ms, 3)})
        key = decision.ad_id.encode()
        value, cut = fit_decision(decision, self.limits.decision_bytes)
        outputs.decisions.append(OutputRecord(key, value))
        tally.outputs_cut["decision"] += cut
        tally.count_decision(decision)
        tally.moderation_failed += result.failed
        tally.model_failures += result.model_failed
        tally.rule_failures.update(result.failed_rules)
        if result.review_task is not None:
            value, cut = fit_review_task(result.review_task, record.value or b"", self.limits.review_task_bytes)
            outputs.review_tasks.append(OutputRecord(key, value))
            tally.outputs_cut["review_task"] += cut
            tally.review_tasks += 1


def to_time(timestamp_ms: int) -> datetime:
    """Return a record's timestamp as UTC; a record without one (-1) or beyond the calendar counts as 1970."""
    try:
        return datetime.fromtimestamp(max(timestamp_ms, 0) / 1_000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)
