"""Reads the golden cases: ads in short form with the outcome that staff expect; README.md here explains."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from service.contracts.decision import Outcome
from service.moderate import Received
from tests.ads import make_ad
from tests.moderating import NOW, receive

FOLDER = Path(__file__).with_name("cases")


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Advertiser(Section):
    """Who pays; unless said otherwise somebody known for years, of the ad's market."""

    tier: Literal["unknown", "new", "standard", "trusted", "restricted"] = "standard"
    age_days: int = 2_000
    country: str | None = None


class Ad(Section):
    """An ad in short form; what is left out is harmless."""

    vertical: str = "retail"
    market: str = "US"
    headline: str = ""
    body: str = ""
    image_text: str = ""
    transcript: str = ""
    display_url: str = "shop.example"
    landing_url: str = "https://www.shop.example/"
    advertiser: Advertiser = Advertiser()
    attributes: dict[str, Any] = Field(default_factory=dict)


class Case(Section):
    """An ad and what becomes of it. `rules`, `policies`, `marked` must be among what the decision names."""

    name: str
    ad: Ad
    outcome: Outcome
    policies: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    wanted: Outcome | None = None
    why: str = ""


def read_cases() -> dict[str, Case]:
    """Return all cases by `file: name`."""
    cases: dict[str, Case] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for entry in YAML(typ="safe").load(path):
            case = Case.model_validate(entry)
            key = f"{path.stem}: {case.name}"
            assert key not in cases, f"two cases are called '{key}'"
            cases[key] = case
    return cases


def make_received(ad: Ad) -> Received:
    """Return the ad as the worker would have read it."""
    created_at = NOW - timedelta(days=ad.advertiser.age_days)
    fields = make_ad(
        vertical=ad.vertical,
        market=ad.market,
        language=None,
        advertiser={
            "id": "adv-1",
            "country": ad.advertiser.country or ad.market,
            "created_at": created_at.isoformat(),
            "trust_tier": ad.advertiser.tier,
        },
        creative=ad.model_dump(include={"headline", "body", "image_text", "transcript", "display_url", "landing_url"}),
        attributes=ad.attributes,
    )
    return receive(fields)
