"""The shape of a bundle's YAML files: what may be written where. Meaning across files is checked in `checking`.

`bundle.yaml` is a `BundleFile`, every other YAML file beside it a `StrategyFile`, those in `rules/` are `RuleFile`s and
those in `tests/` `TestsFile`s (see `expectations`). Editors complete by JSON Schemas made from these models.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from service.contracts.model import Slug
from service.strategy.expectations import TestEntry
from service.strategy.rule_schema import RuleEntry
from service.strategy.scalars import (
    ANY,
    Markets,
    Moment,
    Remedied,
    Section,
    Several,
    SeveralPaths,
    Share,
    Text,
    forbid_twice,
    require_some,
)

Minutes = Annotated[int, Field(gt=0, le=43_200, strict=True)]
Weight = Annotated[float, Field(gt=0, le=100, strict=True)]


class Ground(Section):
    """What a restriction is founded on (DSA, article 17(3)(d) and (e))."""

    kind: Literal["terms", "law"] = Field(description="The platform's own terms, or the law.")
    reference: Text = Field(max_length=500, description="The clause or the law, as the statement of reasons names it.")


class Policy(Section):
    """Something that ads must not do."""

    title: Text = Field(max_length=100, description="Its name for people.")
    ground: Ground = Field(description="What a restriction is founded on.")
    message: Text = Field(max_length=1_000, description="What an advertiser is told; holds no threshold and no term.")
    harm_weight: Weight = Field(description="Harm of one violating ad that runs; 1.0 is ordinary.")
    review_sla_minutes: Minutes = Field(description="How soon a person must look at an ad under review.")
    rules_may_approve: bool = Field(
        default=False, strict=True, description="Whether a rule may take back what the classifier says about it."
    )


SCHEMA_VERSION = 1


def _refuse_newer(version: object) -> object:
    if type(version) is int and version > SCHEMA_VERSION:
        what = f"format {version} is newer than format {SCHEMA_VERSION}, which this version of Sluice reads"
        raise Remedied(what, f"upgrade Sluice, or write the bundle in format {SCHEMA_VERSION}")
    return version


class BundleFile(Section):
    """`bundle.yaml`: what all strategies of a bundle share."""

    schema_version: Annotated[Literal[1], BeforeValidator(_refuse_newer)] = Field(description="Version of this format.")
    version: Annotated[
        str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    ] = Field(description="The bundle's version, as decisions name it; in quotes.")
    how_to_appeal: Text = Field(max_length=1_000, description="Part of each statement of reasons.")
    failure_sla_minutes: Minutes = Field(description="Review time where a part failed.")
    policies: Annotated[dict[Slug, Policy], require_some] = Field(description="What ads must not do, by name.")
    verticals: Annotated[tuple[Slug, ...], forbid_twice] = Field(
        default=(), description="All verticals that exist; another name is then an error."
    )
    products: Annotated[tuple[Slug, ...], forbid_twice] = Field(
        default=(), description="All ad products that exist; another name is then an error."
    )
    cost_budget_us: float | None = Field(
        default=None, gt=0, strict=True, description="What an ad may cost on average, in µs; `check` measures it."
    )


class Scope(Section):
    """Where a strategy applies: one value, several, or any, in each of three dimensions."""

    vertical: Several = Field(default=(ANY,), description="Lines of business, or any.")
    market: Markets = Field(default=(ANY,), description="ISO 3166-1 codes, or any.")
    product: Several = Field(default=(ANY,), description="Ad products, or any.")


class Period(Section):
    """When a strategy applies: from `from` on, until just before `until`; each may be left out."""

    start: Moment | None = Field(default=None, alias="from", description="The first moment, with a zone.")
    until: Moment | None = Field(default=None, description="The first moment after it, with a zone.")

    @model_validator(mode="after")
    def _check_order(self) -> "Period":
        if self.start and self.until and self.until <= self.start:
            raise Remedied("'until' is not after 'from', so it never applies", "give 'until' the later time")
        return self


class Threshold(Section):
    """A score below `approve_below` speaks for nothing, from `reject_above` on for rejection, between for review."""

    approve_below: Share
    reject_above: Share


class ThresholdEntry(Section):
    """A score below `approve_below` speaks for nothing, from `reject_above` on for rejection, between for review.

    What is not given is that of the next broader strategy.
    """

    approve_below: Share | None = Field(default=None, description="Below it, the score speaks for nothing.")
    reject_above: Share | None = Field(default=None, description="From it on, the score speaks for rejection.")


class PolicyEntry(Section):
    """What is different about a policy within a strategy's scope."""

    message: Text | None = Field(default=None, max_length=1_000, description="What an advertiser is told.")
    harm_weight: Weight | None = Field(default=None, description="Harm of one violating ad that runs.")
    review_sla_minutes: Minutes | None = Field(default=None, description="How soon a person must look.")


class StrategyFile(Section):
    """One strategy: what is different in its scope from broader strategies, field by field."""

    id: Slug = Field(description="Its name, as decisions give it.")
    owner: Text = Field(max_length=200, description="Who answers for it.")
    description: Text = Field(max_length=1_000, description="What it is for.")
    scope: Scope = Field(description="Where it applies.")
    effective: Period = Field(default=Period(), description="When it applies; always, if left out.")
    approvals: int = Field(
        default=1, ge=1, le=10, strict=True, description="By how many people a change of it must be signed to go live."
    )
    include: SeveralPaths = Field(default=(), description="Rule files whose rules belong to it.")
    thresholds: dict[Slug, ThresholdEntry] = Field(default={}, description="What the classifier's scores mean.")
    policies: dict[Slug, PolicyEntry] = Field(default={}, description="What is different about a policy here.")
    rules: tuple[RuleEntry, ...] = Field(default=(), description="Its rules; one with a broader one's id changes it.")
    tests: tuple[TestEntry, ...] = Field(default=(), description="Ads and what must become of them.")


class RuleFile(Section):
    """`rules/*.yaml`: rules that several strategies include."""

    include: SeveralPaths = Field(default=(), description="More rule files, whose rules stand before these.")
    rules: tuple[RuleEntry, ...] = Field(default=(), description="Its rules.")


__all__ = [
    "ANY", "BundleFile", "Ground", "Period", "Policy", "PolicyEntry", "RuleFile", "Scope", "Section", "StrategyFile",
    "Text", "Threshold", "ThresholdEntry",
]  # fmt: skip
