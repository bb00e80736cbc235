"""Works out how an ad is decided, step by step, by the parts that `moderate` asks; the decision is taken from it."""

from collections.abc import Iterator
from datetime import datetime

from service.answer import LiveBundle, Received
from service.contracts.decision import Evidence, Outcome, Reason, Source
from service.contracts.submission import Submission
from service.moderate.deciding import moderate_or_review
from service.moderate.trace import (
    Trace,
    TracedCondition,
    TracedLimit,
    TracedRule,
    TracedScore,
    TracedStrategy,
    TracedText,
)
from service.release.blocks import NO_BLOCKS, Blocks, hash_text
from service.rules.ad_view import AdView
from service.rules.conditions import CompiledConditions
from service.rules.facts import Situation
from service.strategy import Bundle, CompiledStrategy, Signals
from service.strategy.effective import MergedRule
from service.strategy.indexes import Hits
from service.strategy.layers import Layer
from service.strategy.matching import Matcher
from service.strategy.rule_schema import Match
from service.strategy.rule_set import describe_situation
from service.strategy.scoping import DIMENSIONS, holds_at, is_any
from service.text.views import Views


def trace_ad(received: Received, bundle: LiveBundle, as_of: datetime, blocks: Blocks = NO_BLOCKS) -> Trace:
    """Return how the bundle decides the ad at `as_of`. Never raises on an ad that could be read."""
    (moderated,) = moderate_or_review([received], bundle, as_of, blocks)
    decision = moderated.decision
    ad = AdView(received.submission)
    strategies = bundle.strategies
    strategy = strategies.strategy_for(received.submission, as_of)
    hits = strategies.indexes.search(ad)
    situation = describe_situation(ad, hits, decision.scores, as_of)
    return Trace(
        as_of=as_of,
        bundle=strategies.sha256,
        version=strategies.version,
        strategies=tuple(_trace_strategies(strategies, strategy, received.submission, as_of)),
        texts=tuple(_trace_texts(ad)),
        model_text=ad.model_text,
        text_hash=hash_text("\n\n".join(text for _, text in ad.text_fields)),
        language=ad.language,
        landing=_trace_landing(ad),
        hits=tuple(_name_hits(hits)),
        rules=tuple(_trace_rule(rule, ad, hits, situation) for rule in strategy.effective.rules),
        scores=tuple(_trace_scores(strategy, decision.scores, ad, as_of)),
        decision=decision,
        review_task=moderated.review_task,
    )


def _trace_strategies(
    bundle: Bundle, chosen: CompiledStrategy, ad: Submission, as_of: datetime
) -> Iterator[TracedStrategy]:
    layers = {layer.id: layer for layer in bundle.layers}
    rest = sorted(name for name in layers if name not in chosen.layers)
    for name in (*chosen.layers, *rest):
        layer = layers[name]
        scope = ", ".join(f"{d} {' '.join(getattr(layer.strategy.scope, d))}" for d in DIMENSIONS)
        why = _explain_scope(layer, ad, as_of)
        place = str(layer.document.where(("scope",)))
        yield TracedStrategy(id=name, place=place, scope=scope, applies=name in chosen.layers, why=why)


def _explain_scope(layer: Layer, ad: Submission, as_of: datetime) -> str:
    outside = [
        f"{name} {getattr(ad, name)}"
        for name in DIMENSIONS
        if not is_any(values := getattr(layer.strategy.scope, name)) and getattr(ad, name) not in values
    ]
    if outside:
        return f"{' and '.join(outside)} {'is' if len(outside) == 1 else 'are'} not in its scope"
    period = layer.strategy.effective
    if not holds_at(period, as_of):
        if period.start is not None and as_of < period.start:
            return f"not before {period.start.isoformat()}"
        return f"no more since {period.until.isoformat() if period.until else ''}"
    named = [name for name in DIMENSIONS if not is_any(getattr(layer.strategy.scope, name))]
    return f"the ad is in its {', '.join(named)}" if named else "it covers every ad"


def _trace_texts(ad: AdView) -> Iterator[TracedText]:
    for field, text in ad.text_fields:
        views = Views([(field, text)])
        yield TracedText(
            field=field,
            original=text,
            base=views.base,
            latin=views.latin if views.latin != views.base else None,
            squeezed=views.squeezed if views.squeezed != views.latin else None,
        )


def _trace_landing(ad: AdView) -> dict[str, str | bool | int]:
    if not ad.submission.creative.landing_url:
        return {}
    address = ad.landing
    return {
        "valid": address.valid,
        "host": address.host,
        "domain": address.registrable_domain,
        "is_ip": address.is_ip,
        "has_credentials": address.has_credentials,
        "encoding_depth": address.encoding_depth,
        "punycode": address.punycode,
        "mixed_scripts": address.mixed_scripts,
        "differs_from_display": ad.differs_from_display,
    }


def _name_hits(hits: Hits) -> Iterator[str]:
    for term in hits.terms:
        yield f"terms/{term.entry.list}: {term.entry.text} ({term.view.value})"
    for regex in hits.regexes:
        yield f"regexes/{regex.entry.list}: {regex.entry.pattern} ({regex.view.value})"
    for host in hits.hosts:
        yield f"hosts/{host.list}: {host.entry}"
    for advertiser in hits.advertisers:
        yield f"advertisers/{advertiser.list}: {advertiser.entry}"


def _trace_rule(rule: MergedRule, ad: AdView, hits: Hits, situation: Situation) -> TracedRule:
    match: Match | None = rule.values.get("match")
    action = str(rule.values.get("action"))
    traced = TracedRule(
        id=rule.id,
        place=str(rule.origin("action").where),
        policy=rule.values.get("policy"),
        action=action,
        state="switched off",
        looks_for=_name_lists(match) if match else (),
    )
    if not rule.enabled:
        return traced
    conditions = tuple(_trace_conditions(rule, situation))
    found = Matcher(match).find(ad, hits) if match else None
    hit = match is None or found is not None
    evidence: tuple[Evidence, ...] | None = (found.evidence if found else ()) if match else None
    values = [condition.value for condition in conditions]
    state = "did not fire" if not hit or False in values else "failed" if None in values else "fired"
    detail = "found only in disguised spelling" if found and found.disguised else ""
    disguised = rule.values.get("evasion_action") if detail else None
    return traced.model_copy(
        update={
            "state": state,
            "conditions": conditions,
            "matched": evidence,
            "action": str(disguised or action),
            "detail": detail,
        }
    )


def _name_lists(match: Match) -> tuple[str, ...]:
    kinds = ("terms", "regexes", "hosts", "advertisers")
    return tuple(f"{kind}/{name}" for kind in kinds for name in getattr(match, kind))


def _trace_conditions(rule: MergedRule, situation: Situation) -> Iterator[TracedCondition]:
    source = rule.source_of("when")
    for number, text in enumerate(rule.values.get("when") or ()):
        alone = CompiledConditions([text])
        (value,) = alone.evaluate(situation)
        failure = alone.explain_failure(0, situation) if value is None else ""
        yield TracedCondition(text=text, place=str(source.where("when", number)), value=value, failure=failure)


def _trace_scores(
    strategy: CompiledStrategy, scores: dict[str, float], ad: AdView, as_of: datetime
) -> Iterator[TracedScore]:
    if not scores:
        return
    results = strategy.evaluate_rules([ad], [scores], as_of)[0]
    judged = strategy.judge.judge(Signals(scores=scores, results=results))
    for policy, score in sorted(scores.items(), key=lambda pair: -pair[1]):
        threshold = strategy.thresholds.get(policy)
        if threshold is None:
            continue
        moved = judged.get(policy)
        how = moved.explain() if moved else ""
        if moved and moved.cleared:
            how = "; ".join(part for part in (how, "a rule that approves takes it back") if part)
        yield TracedScore(
            policy=policy,
            score=score,
            judged=moved.judged if moved else score,
            approve_below=_limit(strategy, policy, "approve_below", threshold.approve_below),
            reject_above=_limit(strategy, policy, "reject_above", threshold.reject_above),
            outcome=Outcome.APPROVE if moved is None or moved.cleared else moved.outcome,
            how=how,
        )


def _limit(strategy: CompiledStrategy, policy: str, field: str, value: float) -> TracedLimit:
    origin = strategy.effective.threshold_origin(policy, field)
    return TracedLimit(value=value, place=str(origin.where) if origin else "")


def name_reason(reason: Reason) -> str:
    """Return a reason in a line: what it leads to, who says so and with what."""
    policy = reason.policy or "no policy"
    said = f"rule {reason.id}" if reason.source is Source.RULE else f"{reason.source.value} {reason.id}"
    score = f", score {reason.score:g} against {reason.threshold:g}" if reason.threshold is not None else ""
    return f"{reason.outcome.value} for {policy}: {said}{score}"
