"""Topic `ads.submissions`: an ad as the platform sends it, keyed by `ad_id`."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from service.contracts.model import Contract, Country, Id, Slug, Timestamp

MAX_SUBMISSION_BYTES = 1_048_576
"""The longest record value that is read; a longer one is a dead letter. The topic takes a little more, for the key."""

MAX_ATTRIBUTES = 64

TEXT_FIELDS = (
    "creative.headline",
    "creative.body",
    "creative.call_to_action",
    "creative.image_text",
    "creative.transcript",
)
"""Paths of the fields that hold prose; evidence names them."""

URL_FIELDS = ("creative.display_url", "creative.landing_url")
"""Paths of the fields that hold a URL."""

AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]


def _refuse_wide_int(value: object) -> object:
    # the branch for floats would take it and round it
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise PydanticCustomError("wide_int", "must fit 64 bits")
    return value


AttributeValue = Annotated[
    StrictBool
    | Annotated[StrictInt, Field(ge=-(2**63), le=2**63 - 1)]
    | Annotated[StrictFloat, Field(allow_inf_nan=False)]
    | Annotated[str, StringConstraints(max_length=1_000)]
    | None,
    BeforeValidator(_refuse_wide_int),
]


def _require_int(version: object) -> object:
    # true and 1.0 equal 1 in Python, and a literal would take them
    if type(version) is not int:
        raise PydanticCustomError("version_type", "must be the integer 1")
    return version


class TrustTier(StrEnum):
    """How far the platform trusts an advertiser."""

    UNKNOWN = "unknown"
    NEW = "new"
    STANDARD = "standard"
    TRUSTED = "trusted"
    RESTRICTED = "restricted"


class Advertiser(Contract):
    """Who pays for the ad."""

    id: Id = Field(description="The platform's id of the advertiser.")
    country: Country | None = Field(default=None, description="Where the advertiser is established.")
    created_at: Timestamp | None = Field(default=None, description="When the advertiser's account was opened.")
    trust_tier: TrustTier = Field(default=TrustTier.UNKNOWN, description="How far the platform trusts the advertiser.")


class Creative(Contract):
    """What a person would see, hear or be led to. Lengths are in Unicode code points."""

    headline: str = Field(default="", max_length=500, description="The ad's title.")
    body: str = Field(default="", max_length=10_000, description="The ad's text.")
    call_to_action: str = Field(default="", max_length=200, description="The text of the button, such as 'Buy now'.")
    display_url: str = Field(default="", max_length=2_048, description="The URL that the ad shows.")
    landing_url: str = Field(default="", max_length=4_096, description="The URL that a click opens.")
    image_text: str = Field(default="", max_length=20_000, description="Text the platform read off the image (OCR).")
    transcript: str = Field(
        default="", max_length=50_000, description="Speech the platform wrote down from audio or video."
    )


class Submission(Contract):
    """One revision of one ad, to be decided."""

    schema_version: Annotated[Literal[1], BeforeValidator(_require_int)] = Field(description="Version of this format.")
    ad_id: Id = Field(description="The platform's id of the ad; also the record's key.")
    revision: int = Field(
        ge=0, le=2**31 - 1, strict=True, description="Grows with every change of the ad; decisions name it."
    )
    submitted_at: Timestamp = Field(description="When the platform got this revision.")
    advertiser: Advertiser = Field(description="Who pays for the ad.")
    vertical: Slug = Field(description="The line of business, such as 'retail' or 'finance'; selects the strategy.")
    market: Country = Field(description="Where the ad is to be shown; selects the strategy.")
    product: Slug = Field(description="The ad product or placement, such as 'feed' or 'search'.")
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] | None = Field(
        default=None, description="BCP 47 tag of the creative's language; guessed when left out."
    )
    creative: Creative = Field(description="What a person would see, hear or be led to.")
    attributes: dict[AttributeName, AttributeValue] = Field(
        default_factory=dict,
        max_length=MAX_ATTRIBUTES,
        description="Scalars of the platform's own that rules may use.",
        json_schema_extra={"additionalProperties": False},
    )

    def text_of(self, field: str) -> str:
        """Return the text at a path of `TEXT_FIELDS` or `URL_FIELDS`."""
        text: str = getattr(self.creative, field.removeprefix("creative."))
        return text
