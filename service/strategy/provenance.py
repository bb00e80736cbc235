"""Where each value of a strategy that applies is written: for `sluice strategy show` and everybody who asks why."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from pydantic import BaseModel

from service.strategy.bundle import Bundle
from service.strategy.compiled import CompiledStrategy
from service.strategy.effective import POLICY_FIELDS, RULE_FIELDS, THRESHOLD_FIELDS, MergedRule, Origin
from service.strategy.files import SHARED_FILE


class Valued(NamedTuple):
    """One value that applies: the section and the name it belongs to, its field, and who gives it.

    `origin.strategy` is '' for what bundle.yaml gives to all strategies.
    """

    section: str
    name: str
    field: str
    value: Any
    origin: Origin


def list_values(bundle: Bundle, strategy: CompiledStrategy) -> Iterator[Valued]:
    """Yield every value of a strategy as it applies: thresholds, then policies, then rules, switched off ones last."""
    effective = strategy.effective
    for policy, fields in effective.thresholds.items():
        for field in THRESHOLD_FIELDS:
            if origin := effective.threshold_origin(policy, field):
                yield Valued("thresholds", policy, field, fields[field], origin)
    shared = bundle.readings[SHARED_FILE].document
    for name, policy_here in effective.policies.items():
        for field in POLICY_FIELDS:
            written = effective.policy_origin(name, field)
            origin = written or Origin("", shared.where(("policies", name, field)))
            yield Valued("policies", name, field, getattr(policy_here, field), origin)
    for rule in sorted(effective.rules, key=lambda rule: not rule.enabled):
        yield from _list_rule(rule)


def _list_rule(rule: MergedRule) -> Iterator[Valued]:
    # Of a rule that is switched off, that is all that matters.
    fields = RULE_FIELDS if rule.enabled else ("enabled",)
    for field in fields:
        if field in rule.given_by:
            yield Valued("rules", rule.id, field, to_plain(rule.values[field]), rule.origin(field))


def to_plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    """Return a field's value as JSON has it; of a match only what is written."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, Enum):
        return value.value
    return [to_plain(item) for item in value] if isinstance(value, tuple) else value
