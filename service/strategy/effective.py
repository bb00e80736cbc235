"""The strategy that applies in one layering: field by field, the most specific layer that gives a value wins.

Every value keeps its origin, for `sluice strategy show` and for people who ask why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.strategy.layering import Layering
from service.strategy.layers import RuleSource
from service.strategy.problems import Where
from service.strategy.rule_schema import OnFailure, Rule
from service.strategy.schema import Policy, Threshold

THRESHOLD_FIELDS = ("approve_below", "reject_above")
POLICY_FIELDS = ("message", "harm_weight", "review_sla_minutes")
RULE_FIELDS = ("policy", "note", "when", "match", "action", "by", "evasion_action", "on_failure", "enabled")


class Origin(NamedTuple):
    """Which strategy gives a value, and where it is written."""

    strategy: str
    where: Where


@dataclass(frozen=True, eq=False)
class MergedRule:
    """A rule of a layering: its fields' values and the sources that give them, the most specific first."""

    id: str
    values: Mapping[str, Any]
    given_by: Mapping[str, RuleSource]
    sources: tuple[RuleSource, ...]

    @property
    def enabled(self) -> bool:
        """Whether the rule applies."""
        return bool(self.values.get("enabled", True))

    @property
    def complete(self) -> bool:
        """Whether some layer gives all that a rule needs."""
        return self.values.get("policy") is not None and self.values.get("action") is not None

    def source_of(self, field: str) -> RuleSource:
        """Return what gives a field; the most specific source where nothing does."""
        return self.given_by.get(field, self.sources[0])

    def origin(self, field: str) -> Origin:
        """Return where a field's value is written."""
        source = self.source_of(field)
        return Origin(source.strategy, source.where(field))

    def to_rule(self) -> Rule:
        """Return the rule; it must be complete."""
        given = {name: value for name, value in self.values.items() if name != "enabled"}
        return Rule(
            **{
                **given,
                "id": self.id,
                "when": given.get("when") or (),
                "on_failure": given.get("on_failure") or OnFailure.REVIEW,
            }
        )


@dataclass(frozen=True, eq=False)
class Effective:
    """What applies in a layering. Thresholds may be incomplete and rules too, until `merging` has checked them."""

    layers: Layering
    thresholds: Mapping[str, Mapping[str, float]]
    policies: Mapping[str, Policy]
    rules: tuple[MergedRule, ...]

    @property
    def id(self) -> str:
        """The name of the most specific strategy."""
        return self.layers[0].id

    @property
    def active(self) -> Iterator[MergedRule]:
        """The rules that are not switched off."""
        return (rule for rule in self.rules if rule.enabled)

    def threshold_origin(self, policy: str, field: str) -> Origin | None:
        """Return where a field of a policy's thresholds is written."""
        for layer in self.layers:
            entry = layer.strategy.thresholds.get(policy)
            if entry is not None and getattr(entry, field) is not None:
                return Origin(layer.id, layer.document.where(("thresholds", policy, field)))
        return None

    def policy_origin(self, policy: str, field: str) -> Origin | None:
        """Return which strategy overrides a policy's field, and where; None where bundle.yaml's value stands."""
        for layer in self.layers:
            entry = layer.strategy.policies.get(policy)
            if entry is not None and getattr(entry, field) is not None:
                return Origin(layer.id, layer.document.where(("policies", policy, field)))
        return None

    def complete_thresholds(self) -> dict[str, Threshold]:
        """Return the thresholds of which both fields are given."""
        return {
            name: Threshold(approve_below=fields["approve_below"], reject_above=fields["reject_above"])
            for name, fields in self.thresholds.items()
            if len(fields) == len(THRESHOLD_FIELDS)
        }


class Merger:
    """Merges layerings; what two of them have in common is merged once."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = policies
        self._merged: dict[tuple[RuleSource, ...], MergedRule] = {}
        self._overridden: dict[tuple[object, ...], Mapping[str, Policy]] = {}

    def merge(self, layers: Layering) -> Effective:
        """Return what applies where these layers lie over each other, the most specific first."""
        return Effective(
            layers=layers,
            thresholds=self._merge_thresholds(layers),
            policies=self._merge_policies(layers),
            rules=tuple(self._merge_rules(layers)),
        )

    @property
    def rules(self) -> Iterator[MergedRule]:
        """All rules merged so far."""
        return iter(self._merged.values())

    def _merge_thresholds(self, layers: Layering) -> dict[str, dict[str, float]]:
        merged: dict[str, dict[str, float]] = {}
        for layer in reversed(layers):
            for policy, entry in layer.strategy.thresholds.items():
                given = {name: value for name in THRESHOLD_FIELDS if (value := getattr(entry, name)) is not None}
                merged.setdefault(policy, {}).update(given)
        return merged

    def _merge_policies(self, layers: Layering) -> Mapping[str, Policy]:
        changing = tuple(layer for layer in reversed(layers) if layer.strategy.policies)
        if changing not in self._overridden:
            policies = dict(self._policies)
            for layer in changing:
                for name, entry in layer.strategy.policies.items():
                    if name in policies:
                        policies[name] = policies[name].model_copy(update=entry.model_dump(exclude_none=True))
            self._overridden[changing] = policies
        return self._overridden[changing]

    def _merge_rules(self, layers: Layering) -> Iterator[MergedRule]:
        by_id: dict[str, list[RuleSource]] = {}
        for layer in reversed(layers):
            for source in layer.rules:
                by_id.setdefault(source.entry.id, []).append(source)
        for sources in by_id.values():
            yield self._merge_rule(tuple(reversed(sources)))

    def _merge_rule(self, sources: tuple[RuleSource, ...]) -> MergedRule:
        if sources not in self._merged:
            self._merged[sources] = merge_rule(sources)
        return self._merged[sources]


def merge_rule(sources: Sequence[RuleSource]) -> MergedRule:
    """Return one rule from what its sources, the most specific first, give. A field given as null is given."""
    values: dict[str, Any] = {}
    given_by: dict[str, RuleSource] = {}
    for source in sources:
        for name in source.entry.model_fields_set - {"id"}:
            if name not in given_by:
                values[name], given_by[name] = getattr(source.entry, name), source
    return MergedRule(sources[0].entry.id, values, given_by, tuple(sources))
