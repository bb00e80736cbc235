"""A strategy as it applies to some ads, ready to judge them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from service.contracts.decision import StrategyRef
from service.rules.ad_view import AdView
from service.strategy.effective import Effective
from service.strategy.indexes import Indexes
from service.strategy.rule_set import Preparation, RuleSet
from service.strategy.ruling import Judge, RuleResult, Ruling, Signals
from service.strategy.schema import BundleFile, Policy, Threshold


class CompiledStrategy:
    """What applies where some strategies lie over each other. Holds no state that an ad could change."""

    def __init__(self, effective: Effective, shared: BundleFile, preparation: Preparation, indexes: Indexes) -> None:
        self.id = effective.id
        self.effective = effective
        self.scope = effective.layers[0].strategy.scope
        self.layers: tuple[str, ...] = tuple(layer.id for layer in effective.layers)
        """The names of the strategies that apply, the most specific first."""
        self.thresholds: Mapping[str, Threshold] = MappingProxyType(effective.complete_thresholds())
        self.policies: Mapping[str, Policy] = MappingProxyType(dict(effective.policies))
        self.ref = StrategyRef(id=self.id, version=shared.version)
        self.rule_set = RuleSet(effective.active, preparation, indexes)
        self.judge = Judge(self.policies, self.thresholds, shared.failure_sla_minutes)

    def evaluate_rules(
        self, ads: Sequence[AdView], scores: Sequence[Mapping[str, float]] | None, as_of: datetime
    ) -> list[list[RuleResult]]:
        """Return, ad by ad, the rules that fired or failed. `scores`: policy → probability an ad; None without a model.

        An ad's result does not depend on its neighbours. A rule that fails on an ad is a result with `failure` set.
        """
        return [
            self.rule_set.evaluate(ad, scores[index] if scores is not None else None, as_of)
            for index, ad in enumerate(ads)
        ]

    def decide(self, signals: Signals) -> Ruling:
        """Return the ruling on one ad; see `ruling` for the order of outcomes and reasons."""
        return self.judge.decide(signals)
