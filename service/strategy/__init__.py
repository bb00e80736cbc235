"""Strategies: which signals lead to which outcome, for whom. Reads and checks them, compiles them, decides.

Above `rules` and `text`, below `moderate`. The door: `load_bundle`, `Bundle.strategy_for`, `CompiledStrategy`.
"""

from service.strategy.bundle import Bundle, CompiledStrategy, check_labels, load_bundle
from service.strategy.problems import Problem, StrategyError
from service.strategy.ruling import Failure, RuleResult, Ruling, Signals, rule_failure
from service.strategy.schema import Policy

__all__ = [
    "Bundle", "CompiledStrategy", "Failure", "Policy", "Problem", "RuleResult", "Ruling", "Signals", "StrategyError",
    "check_labels", "load_bundle", "rule_failure",
]  # fmt: skip
