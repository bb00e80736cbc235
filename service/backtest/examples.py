"""The examples of a report: moved ads with the reasons of both bundles and the evidence marked in their texts."""

from collections.abc import Iterable

from pydantic import Field

from service.answer import LiveBundle
from service.backtest.ads import AdRecord, name_place
from service.backtest.contest import Case, Contest, judge
from service.backtest.deciding import is_wrong, name_policy, read_record
from service.backtest.figures import Figures
from service.backtest.tally import read_finding
from service.contracts.decision import Decision, Evidence, Outcome, Reason
from service.contracts.submission import TEXT_FIELDS, URL_FIELDS
from service.moderate import moderate_or_review
from service.text.spans import join_spans

_CONTEXT_CHARS = 120
_WHOLE_CHARS = 600
_BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {code: 0x2400 + code for code in range(0x20) if code not in {0x09, 0x0A}} | dict.fromkeys(
    (*range(0x7F, 0xA0), *_BIDI_CONTROLS), 0xFFFD
)


class Part(Figures):
    """A piece of a text; `marked` where evidence lies in it."""

    text: str
    marked: bool = False


class Passage(Figures):
    """A field of the ad, shortened to what surrounds the evidence."""

    field: str
    parts: tuple[Part, ...]


class Example(Figures):
    """One moved ad."""

    ad_id: str
    revision: int
    place: str = Field(description="Where it lies: topic, partition and offset, or the line of the file.")
    vertical: str
    market: str
    product: str
    language: str
    before: Outcome
    after: Outcome
    policy: str | None = Field(description="What the stricter decision is about.")
    harm: float = Field(description="The policy's weight x how sure the stricter decision is of a violation.")
    verdict: str = Field(description="What a person found: clean, violating or not_looked_at.")
    candidate_wrong: bool = Field(description="Whether that speaks against the candidate's decision.")
    reasons_before: tuple[str, ...]
    reasons_after: tuple[str, ...]
    passages: tuple[Passage, ...]


def describe(record: AdRecord, contest: Contest) -> Example:
    """Return a moved ad, decided by both bundles in full."""
    (case,) = judge([read_record(record)], contest)
    before, after = (_decide(case, bundle) for bundle in (contest.baseline, contest.candidate) if bundle is not None)
    submission = case.received.submission
    evidence = [found for decision in (before, after) for reason in decision.reasons for found in reason.evidence]
    texts = ((name, submission.text_of(name)) for name in (*TEXT_FIELDS, *URL_FIELDS))
    return Example(
        ad_id=submission.ad_id,
        revision=submission.revision,
        place=name_place(record),
        vertical=submission.vertical,
        market=submission.market,
        product=submission.product,
        language=case.ad.language or "und",
        before=before.outcome,
        after=after.outcome,
        policy=name_policy(case.stricter) or None,
        harm=round(case.stricter.ruling.priority, 6),
        verdict=read_finding(case.verdict),
        candidate_wrong=is_wrong(case),
        reasons_before=tuple(map(tell_reason, before.reasons)),
        reasons_after=tuple(map(tell_reason, after.reasons)),
        passages=mark_evidence(texts, evidence),
    )


def _decide(case: Case, bundle: LiveBundle) -> Decision:
    (moderated,) = moderate_or_review([case.received], bundle, case.as_of)
    return moderated.decision


def tell_reason(reason: Reason) -> str:
    """Return a reason in one line."""
    about = f"{reason.policy}: " if reason.policy else ""
    scored = f" {reason.score} (limit {reason.threshold})" if reason.score is not None else ""
    detail = f" - {reason.detail}" if reason.detail and reason.score is None else ""
    return f"{about}{reason.source} {reason.id}{scored} -> {reason.outcome}{detail}"


def mark_evidence(texts: Iterable[tuple[str, str]], evidence: Iterable[Evidence]) -> tuple[Passage, ...]:
    """Return the fields with their evidence marked; long ones only around it, or their beginning."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for found in evidence:
        spans.setdefault(found.field, []).append((found.start, found.end))
    return tuple(Passage(field=name, parts=_cut(text, join_spans(spans.get(name, [])))) for name, text in texts if text)


def _cut(text: str, spans: list[tuple[int, int]]) -> tuple[Part, ...]:
    if not spans:
        whole = text if len(text) <= _WHOLE_CHARS else text[:_WHOLE_CHARS] + "…"
        return (Part(text=_show(whole)),)
    room = len(text) if len(text) <= _WHOLE_CHARS else _CONTEXT_CHARS
    parts: list[Part] = []
    at = 0
    for start, end in spans:
        begin = max(at, start - room)
        if begin > at and parts and (tail := text[at : min(at + room, begin)]):
            parts.append(Part(text=_show(tail)))
            at += len(tail)
        parts.append(Part(text=_show(("…" if begin > at else "") + text[begin:start])))
        parts.append(Part(text=_show(text[start:end]), marked=True))
        at = end
    rest = text[at : at + room]
    parts.append(Part(text=_show(rest + ("…" if at + room < len(text) else ""))))
    return tuple(part for part in parts if part.text)


def _show(text: str) -> str:
    """Return text that can neither steer a terminal nor turn what stands beside it around: controls become visible."""
    return text.translate(_VISIBLE)
