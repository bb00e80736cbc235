"""The shape of a bundle's YAML files: what may be written where. Meaning across files is checked in `compiling`.

`bundle.yaml` holds what all strategies share (`BundleFile`); every other YAML file is one strategy (`StrategyFile`).
"""

from typing import Annotated, Any, Literal

from iso3166 import countries_by_alpha2
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from service.contracts.decision import Outcome, View
from service.contracts.model import Slug

ANY = "any"
HOST_FIELDS = ("landing_url", "display_url", "texts")
TERM_FIELDS = ("headline", "body", "call_to_action", "image_text", "transcript")

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0, strict=True, allow_inf_nan=False)]


def _as_list(value: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    return value if isinstance(value, list) else [value]


def _check_values(values: tuple[str, ...]) -> tuple[str, ...]:
    # After the items' own checks, so that a wrong item gives one error and not two.
    if not values:
        raise ValueError("there must be at least one value")
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


def _require_market(code: str) -> str:
    if code != ANY and code not in countries_by_alpha2:
        raise ValueError(f"'{code[:16]}' is not an ISO 3166-1 code")
    return code


Several = Annotated[tuple[Slug, ...], BeforeValidator(_as_list), AfterValidator(_check_values)]
Market = Annotated[str, AfterValidator(_require_market)]
Markets = Annotated[tuple[Market, ...], BeforeValidator(_as_list), AfterValidator(_check_values)]
SeveralViews = Annotated[tuple[View, ...], BeforeValidator(_as_list), AfterValidator(_check_values)]


class Section(BaseModel):
    """A part of a file; an unknown field is an error, since it is mostly a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ground(Section):
    """What a restriction is founded on (DSA, article 17(3)(d) and (e))."""

    kind: Literal["terms", "law"]
    reference: Text = Field(max_length=500)


class Policy(Section):
    """Something that ads must not do."""

    title: Text = Field(max_length=100)
    ground: Ground
    message: Text = Field(max_length=1_000, description="What an advertiser is told; holds no threshold and no term.")
    harm_weight: float = Field(gt=0, le=100, strict=True, description="Harm of one violating ad; 1.0 is ordinary.")
    review_sla_minutes: int = Field(gt=0, le=43_200, strict=True)
    rules_may_approve: bool = Field(default=False, strict=True)


class BundleFile(Section):
    """`bundle.yaml`."""

    schema_version: Literal[1]
    version: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
    how_to_appeal: Text = Field(max_length=1_000)
    failure_sla_minutes: int = Field(gt=0, le=43_200, strict=True, description="Review time where a part failed.")
    policies: dict[Slug, Policy] = Field(min_length=1)


class Scope(Section):
    """Where a strategy applies: one value, several, or any, in each of three dimensions."""

    vertical: Several = (ANY,)
    market: Markets = (ANY,)
    product: Several = (ANY,)


class Threshold(Section):
    """A score below `approve_below` speaks for nothing, from `reject_above` on for rejection, between for review."""

    approve_below: Share
    reject_above: Share


class Match(Section):
    """What a rule looks for: term lists in prose, or host lists in addresses."""

    terms: Several = ()
    hosts: Several = ()
    fields: Several | None = Field(None, alias="in")
    views: SeveralViews = tuple(View)


class Rule(Section):
    """All conditions of `when` must hold, and `match` must hit (if there is one), for `action` to be taken."""

    id: Slug
    policy: Slug
    note: Text | None = Field(None, max_length=500, description="For staff: why the rule exists, what law it models.")
    when: tuple[Text, ...] = ()
    match: Match | None = None
    action: Outcome
    evasion_action: Outcome | None = Field(None, description="Instead of `action` where only a disguised spelling hit.")


class StrategyFile(Section):
    """One strategy."""

    id: Slug
    owner: Text = Field(max_length=200)
    description: Text = Field(max_length=1_000)
    scope: Scope
    thresholds: dict[Slug, Threshold] = {}
    rules: tuple[Rule, ...] = ()
