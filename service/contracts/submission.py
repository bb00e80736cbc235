"""Topic `ads.submissions`: an ad as the platform sends it, keyed by `ad_id`."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from service.contracts.model import Contract, Country, Id, Int64, Slug, Timestamp

MAX_SUBMISSION_BYTES = 1_048_576
"""The longest record value that is read; a longer one is a dead letter. Equal to the topic's `max.message.bytes`."""

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
AttributeValue = (
    StrictBool
    | Annotated[StrictInt, Int64]
    | Annotated[StrictFloat, Field(allow_inf_nan=False)]
    | Annotated[str, StringConstraints(max_length=1_000)]
    | None
)


class TrustTier(StrEnum):
    """How far the platform trusts an advertiser."""

    UNKNOWN = "unknown"
    NEW = "new"
    STANDARD = "standard"
    TRUSTED = "trusted"
    RESTRICTED = "restricted"


class Advertiser(Contract):
    """Who pays for the ad."""

    id: Id
    country: Country | None = None
    created_at: Timestamp | None = None
    trust_tier: TrustTier = TrustTier.UNKNOWN


class Creative(Contract):
    """What a person would see, hear or be led to. Lengths are in Unicode code points."""

    headline: str = Field(default="", max_length=500)
    body: str = Field(default="", max_length=10_000)
    call_to_action: str = Field(default="", max_length=200)
    display_url: str = Field(default="", max_length=2_048)
    landing_url: str = Field(default="", max_length=4_096)
    image_text: str = Field(default="", max_length=20_000, description="Text the platform read off the image (OCR).")
    transcript: str = Field(
        default="", max_length=50_000, description="Speech the platform wrote down from audio or video."
    )


class Submission(Contract):
    """One revision of one ad, to be decided."""

    schema_version: Literal[1]
    ad_id: Id
    revision: int = Field(ge=0, le=2**31 - 1, strict=True)
    submitted_at: Timestamp
    advertiser: Advertiser
    vertical: Slug
    market: Country
    product: Slug = Field(description="The ad product or placement, such as 'feed' or 'search'.")
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] | None = None
    creative: Creative
    attributes: dict[AttributeName, AttributeValue] = Field(default_factory=dict, max_length=64)

    def text_of(self, field: str) -> str:
        """Return the text at a path of `TEXT_FIELDS` or `URL_FIELDS`."""
        text: str = getattr(self.creative, field.removeprefix("creative."))
        return text
