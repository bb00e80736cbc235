"""The gate's file: what a candidate must not do, in YAML that is checked as strategies are, with places."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from service.backtest.dimensions import ALL, DIMENSIONS
from service.backtest.measures import PAIRED, Measure
from service.strategy.problems import Problem, StrategyError
from service.strategy.reading import read_yaml, validate
from service.strategy.schema import Section, Text

SliceName = Literal["all", "vertical", "market", "product", "language", "advertiser_age"]
Points = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class GateError(ValueError):
    """The gate cannot be used; a line a mistake: `file:line:column: what; remedy`."""


class GateRule(Section):
    """One condition on a measure, judged on each slice that has enough ads."""

    name: Text = Field(max_length=200, description="What the rule demands, in words.")
    measure: Measure = Field(description="What is measured.")
    slices: tuple[SliceName, ...] = Field(
        default=("all",), min_length=1, description="Dimensions whose every value is judged; `all`: all ads as one."
    )
    at_least: int = Field(
        default=200, ge=1, strict=True, description="Fewest ads that the measure is a share of; smaller slices pass."
    )
    may_grow_points: Points | None = Field(
        default=None, description="Most percentage points that the share may grow by, from baseline to candidate."
    )
    at_most_points: Points | None = Field(default=None, description="Most per cent that the candidate's share may be.")
    breaks_when: Literal["shown", "possible"] = Field(
        default="shown",
        description="`shown`: a breach must be shown at the confidence; `possible`: it must be ruled out.",
    )

    @model_validator(mode="after")
    def _has_one_limit(self) -> "GateRule":
        if (self.may_grow_points is None) == (self.at_most_points is None):
            raise ValueError("a rule needs either may_grow_points or at_most_points")
        if self.may_grow_points is not None and self.measure not in PAIRED:
            known = ", ".join(PAIRED)
            raise ValueError(f"{self.measure} is a share of other ads before and after; may_grow_points takes {known}")
        return self


class Gate(Section):
    """`gate.yaml`."""

    schema_version: Literal[1]
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="One-sided: a gate asks in one direction.")
    correction: Literal["none", "bonferroni", "holm"] = Field(
        default="holm",
        description="How a rule that looks at many slices keeps its chance of a false alarm at 1 - confidence.",
    )
    rules: tuple[GateRule, ...] = Field(min_length=1)

    @property
    def compares(self) -> bool:
        """Whether a baseline is needed."""
        return any(rule.may_grow_points is not None for rule in self.rules)


def read_gate(path: Path) -> Gate:
    """Return a gate. Raises GateError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GateError(f"{path}: {error.strerror}; name a file of YAML, such as deploy/gate.yaml") from None
    document = read_yaml(content, str(path))
    gate = [document] if isinstance(document, Problem) else validate(document, Gate)
    if not isinstance(gate, Gate):
        raise GateError(str(StrategyError(gate)))
    return gate


if set(SliceName.__args__) != {ALL, *DIMENSIONS}:  # type: ignore[attr-defined]
    raise AssertionError("the gate knows other slices than the backtest")
