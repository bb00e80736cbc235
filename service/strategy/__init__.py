"""Strategies: which signals lead to which outcome, for whom. Reads and checks them, compiles them, decides.

Above `rules` and `text`, below `moderate`. The door: `compile_bundle`, `Bundle.strategy_for`, `CompiledStrategy`.
"""

from service.strategy.bundle import Bundle, check_labels, compile_bundle, load_bundle
from service.strategy.compiled import CompiledStrategy
from service.strategy.expectations import Expectation
from service.strategy.files import BundleFiles, hash_files, read_folder
from service.strategy.problems import Problem, StrategyError, Where
from service.strategy.ruling import Failure, RuleResult, Ruling, Signals, rule_failure
from service.strategy.schema import Policy
from service.strategy.strategists_tests import StrategyTest

__all__ = [
    "Bundle", "BundleFiles", "CompiledStrategy", "Expectation", "Failure", "Policy", "Problem", "RuleResult", "Ruling",
    "Signals", "StrategyError", "StrategyTest", "Where", "check_labels", "compile_bundle", "hash_files", "load_bundle",
    "read_folder", "rule_failure",
]  # fmt: skip
