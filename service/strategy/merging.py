"""Checks what comes out where layers lie over each other; each mistake is named once, where it is written."""

from collections.abc import Iterable, Iterator, Mapping

from service.contracts.decision import Outcome
from service.strategy.effective import THRESHOLD_FIELDS, Effective, MergedRule
from service.strategy.problems import Problem, suggest
from service.strategy.rule_schema import SHIFTS, Action
from service.strategy.schema import Policy


def check_effective(effective: Effective) -> Iterator[Problem]:
    """Yield what is wrong with the thresholds, and with what rules ask of them, in one layering."""
    yield from _check_thresholds(effective)
    for rule in effective.active:
        policy = rule.values.get("policy")
        if rule.values.get("action") in SHIFTS and policy in effective.policies and policy not in effective.thresholds:
            what = f"policy '{policy}' has no score that could be moved: no strategy here gives it thresholds"
            yield rule.source_of("action").problem(("action",), what, "use review or reject, or add thresholds")


def _check_thresholds(effective: Effective) -> Iterator[Problem]:
    for policy, fields in effective.thresholds.items():
        missing = [name for name in THRESHOLD_FIELDS if name not in fields]
        for name in missing:
            layer = next(layer for layer in effective.layers if policy in layer.strategy.thresholds)
            broader = "" if layer is effective.layers[-1] else ", and in every broader strategy"
            what = f"field '{name}' is missing in thresholds.{policy}{broader}"
            yield layer.document.problem(("thresholds", policy), what, f"add '{name}:'")
        if not missing and fields["approve_below"] > fields["reject_above"]:
            yield _explain_order(effective, policy, fields)


def _explain_order(effective: Effective, policy: str, fields: Mapping[str, float]) -> Problem:
    low, high = (effective.threshold_origin(policy, name) for name in THRESHOLD_FIELDS)
    below, above = (fields[name] for name in THRESHOLD_FIELDS)
    if low is None or high is None:
        raise LookupError(f"thresholds.{policy} came from nowhere")
    remedy = "give approve_below the smaller number"
    if low.where.file == high.where.file:
        return Problem(*low.where, f"approve_below {below} is above reject_above {above}", remedy)
    # The narrower strategy is the one that its author looks at; it does not show the other number.
    ids = [layer.id for layer in effective.layers]
    if ids.index(low.strategy) < ids.index(high.strategy):
        return Problem(*low.where, f"approve_below {below} is above reject_above {above} of {high.where}", remedy)
    return Problem(*high.where, f"reject_above {above} is below approve_below {below} of {low.where}", remedy)


def check_rules(rules: Iterable[MergedRule], policies: Mapping[str, Policy]) -> Iterator[Problem]:
    """Yield what is wrong with merged rules; an override that nowhere meets its rule is named here too."""
    merged = list(rules)
    known = {rule.id for rule in merged if rule.complete}
    for rule in merged:
        if not rule.complete and not rule.enabled and rule.id in known:
            continue  # there is nothing to switch off for these ads
        if not rule.complete:
            yield from _explain_missing(rule, known)
        elif rule.enabled:
            yield from _check_rule(rule, policies)


def _explain_missing(rule: MergedRule, known: set[str]) -> Iterator[Problem]:
    source = rule.sources[0]
    missing = [name for name in ("policy", "action") if rule.values.get(name) is None]
    given = ", ".join(f"'{name}'" for name in missing)
    if rule.id in known:
        what = f"rule '{rule.id}' has no {given} here: for some ads no broader strategy has this rule"
        yield source.problem(("id",), what, f"add {given}, or widen the strategy that has the rule")
    elif not rule.enabled and source.entry.model_fields_set == {"id", "enabled"}:
        what = f"rule '{rule.id}' is switched off, but no broader strategy has it"
        yield source.problem(("id",), what, suggest(rule.id, known))
    else:
        what = f"rule '{rule.id}' has no {given}, and no broader strategy has this rule"
        near = suggest(rule.id, known)
        yield source.problem(("id",), what, near if near.startswith("did") else f"add {given}")


def _check_rule(rule: MergedRule, policies: Mapping[str, Policy]) -> Iterator[Problem]:
    values = rule.values
    policy = policies.get(values["policy"])
    for name in ("action", "evasion_action"):
        if policy and not policy.rules_may_approve and values.get(name) in {Action.APPROVE, Outcome.APPROVE}:
            what = f"policy '{values['policy']}' does not let a rule approve"
            yield rule.source_of(name).problem((name,), what, "use review, or set rules_may_approve in bundle.yaml")
    match = values.get("match")
    if not values.get("when") and match is None:
        what = f"rule '{rule.id}' has neither 'when' nor 'match'"
        yield rule.sources[0].problem((), what, "add one, else it always fires")
    if values.get("evasion_action") and (match is None or (match.lists and not match.terms)):
        what = "evasion_action only works with a match of terms"
        source = rule.source_of("evasion_action")
        yield source.problem(("evasion_action",), what, "remove it, or add match.terms", of_key=True)
    yield from _check_shift(rule)


def _check_shift(rule: MergedRule) -> Iterator[Problem]:
    action, by = rule.values["action"], rule.values.get("by")
    if action in SHIFTS and not by:
        what = f"action {action.value} does not say how far"
        yield rule.source_of("action").problem(("action",), what, "add 'by: 0.2'")
    elif action not in SHIFTS and by is not None:
        what = f"'by' means nothing with action {action.value}"
        yield rule.source_of("by").problem(("by",), what, "remove it, or use raise or lower", of_key=True)
