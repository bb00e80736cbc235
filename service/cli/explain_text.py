"""Words a trace for a terminal: strategies, texts with the evidence marked, rules, scores, the way to the decision."""

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from service.cli.running import show_safely
from service.contracts.decision import Evidence, Outcome
from service.contracts.submission import Submission
from service.moderate.trace import Trace, TracedCondition, TracedRule, TracedScore, TracedStrategy
from service.moderate.tracing import name_reason
from service.text.spans import join_spans

OPEN, CLOSE = "⟦", "⟧"
"""Stand around evidence, so that it is marked in a pipe too."""

_COLOURS = {Outcome.APPROVE: "bold green", Outcome.REVIEW: "bold yellow", Outcome.REJECT: "bold red"}
_SIGNS = {
    "fired": ("●", "bold"),
    "failed": ("!", "bold magenta"),
    "did not fire": ("○", "dim"),
    "switched off": ("-", "dim"),
}
_ORDER = tuple(_SIGNS)


def describe_trace(trace: Trace, ad: Submission) -> Iterator[Text]:
    """Yield the lines of a trace."""
    decision = trace.decision
    yield Text.assemble(
        (decision.outcome.upper(), _COLOURS[decision.outcome]),
        f"  ad {show_safely(ad.ad_id)} revision {ad.revision}: {ad.market} / {ad.vertical} / {ad.product}",
        (f"  as of {trace.as_of.isoformat()}  bundle {trace.version} ({trace.bundle[:12]})", "dim"),
    )
    yield from _head("Strategies, the most specific first")
    yield from _describe_strategies(trace)
    yield from _head("Texts")
    yield from _describe_texts(trace)
    yield from _head("List hits")
    yield from (Text(f"  {show_safely(hit)}") for hit in trace.hits or ("none",))
    yield from _head("Rules")
    for rule in sorted(trace.rules, key=lambda rule: _ORDER.index(rule.state)):
        yield from _describe_rule(rule)
    yield from _head("Scores")
    yield from _describe_scores(trace.scores)
    yield from _head("Decision")
    yield from _describe_decision(trace)


def _head(title: str) -> Iterator[Text]:
    yield Text()
    yield Text(title, style="bold underline")


def _describe_strategies(trace: Trace) -> Iterator[Text]:
    # Of the others only those are worth a line that one market, vertical or product, or a date, keeps away.
    near = [strategy for strategy in trace.strategies if strategy.applies or " and " not in strategy.why]
    yield from (_describe_strategy(strategy) for strategy in near)
    if far := len(trace.strategies) - len(near):
        yield Text(
            f"    and {far} others whose scopes differ in more than one dimension (--json names them)", style="dim"
        )


def _describe_strategy(strategy: TracedStrategy) -> Text:
    style = "bold" if strategy.applies else "dim"
    sign = "●" if strategy.applies else "○"
    return Text.assemble((f"  {sign} {strategy.id}", style), (f"  {strategy.place}: {strategy.why}", "dim"))


def _describe_texts(trace: Trace) -> Iterator[Text]:
    marked = _gather(trace)
    for text in trace.texts:
        yield Text(f"  {text.field}")
        for name, reading in (("base", text.base), ("latin", text.latin), ("squeezed", text.squeezed)):
            if name == "base":
                yield Text("    original  ").append_text(_mark(text.original, marked.get(text.field, ())))
            if reading is not None:
                yield Text(f"    {name:<8}  {show_safely(reading)}", style="dim")
    yield Text(f"  read by the model as: {show_safely(trace.model_text)}", style="dim")
    yield Text(f"  language {trace.language or 'unknown'}, text-hash {trace.text_hash}", style="dim")
    if trace.landing:
        told = ", ".join(f"{name} {value}" for name, value in trace.landing.items() if value not in ("", False, 0))
        yield Text(f"  landing page: {show_safely(told) or 'no browser would open it'}", style="dim")


def _gather(trace: Trace) -> dict[str, list[Evidence]]:
    found: dict[str, list[Evidence]] = {}
    for reason in trace.decision.reasons:
        for evidence in reason.evidence:
            found.setdefault(evidence.field, []).append(evidence)
    return found


def _mark(text: str, evidence: Iterable[Evidence]) -> Text:
    """Return the original with its evidence marked; spans that overlap are marked as one."""
    marked, at = Text(), 0
    for start, end in join_spans((item.start, min(item.end, len(text))) for item in evidence):
        marked.append(show_safely(text[at:start]))
        marked.append(OPEN + show_safely(text[start:end]) + CLOSE, style="bold reverse red")
        at = end
    return marked.append(show_safely(text[at:]))


def _describe_rule(rule: TracedRule) -> Iterator[Text]:
    sign, style = _SIGNS[rule.state]
    told = f" → {rule.action} for {rule.policy}" if rule.state == "fired" else f" ({rule.state})"
    detail = f"; {rule.detail}" if rule.detail else ""
    yield Text.assemble((f"  {sign} {rule.id}", style), (told + detail, style), (f"  {rule.place}", "dim"))
    for condition in rule.conditions:
        yield _describe_condition(condition)
    if rule.matched is not None:
        yield _describe_match(rule)


def _describe_condition(condition: TracedCondition) -> Text:
    value = "failed" if condition.value is None else str(condition.value).lower()
    style = {True: "green", False: "dim", None: "bold magenta"}[condition.value]
    line = Text.assemble(("      " + value.ljust(6), style), (f"  {condition.text}", "default"))
    if condition.failure:
        line.append(f"  ({show_safely(condition.failure)})", style="magenta")
    return line.append(f"  {condition.place}", style="dim")


def _describe_match(rule: TracedRule) -> Text:
    lists = ", ".join(rule.looks_for)
    if not rule.matched:
        return Text.assemble(("      no hit", "dim"), f"  {lists}")
    found = "; ".join(
        f"{item.matched} as '{item.excerpt}' in {item.field} [{item.start}:{item.end}]" for item in rule.matched
    )
    return Text.assemble(("      hit   ", "green"), f"  {lists}: {show_safely(found)}")


def _describe_scores(scores: Sequence[TracedScore]) -> Iterator[Text]:
    if not scores:
        yield Text("  the classifier gave none")
    for score in scores:
        below, above = score.approve_below, score.reject_above
        how = f"; {score.how}" if score.how else ""
        yield Text.assemble(
            f"  {score.policy:<18} {score.score:.4f}  ",
            (f"{score.outcome.value:<8}", _COLOURS[score.outcome]),
            f"review from {below.value:g}, reject from {above.value:g}{how}",
            (f"  {below.place} {above.place}", "dim"),
        )


def _describe_decision(trace: Trace) -> Iterator[Text]:
    decision = trace.decision
    yield Text.assemble("  the worst outcome wins: ", (decision.outcome.value, _COLOURS[decision.outcome]))
    for number, reason in enumerate(decision.reasons, 1):
        yield Text(f"  {number}. {name_reason(reason)}" + (f"; {show_safely(reason.detail)}" if reason.detail else ""))
    if not decision.reasons:
        yield Text("  nothing speaks against the ad")
    for message in decision.messages:
        yield Text(f"  told to the advertiser ({message.policy}): {message.text}")
    for part in decision.degraded:
        yield Text(f"  degraded: {part}", style="bold magenta")
    if trace.review_task is not None:
        task = trace.review_task
        yield Text(f"  review: priority {task.priority:.2f} ({task.priority_policy}), due {task.due_at.isoformat()}")
