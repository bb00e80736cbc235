"""The base of every contract and the scalar types that contracts share."""

from datetime import UTC, datetime
from typing import Annotated, Any

from iso3166 import countries_by_alpha2
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

# Ids travel in keys, logs and shell commands: no white space, no control characters.
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s\x00-\x1f\x7f-\x9f]+$")]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class Contract(BaseModel):
    """An immutable record of a topic. A reader ignores fields that it does not know, so that releases can add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


def _require_country(code: str) -> str:
    if code not in countries_by_alpha2:
        raise PydanticCustomError(
            "unknown_country",
            "'{code}' is not an ISO 3166-1 alpha-2 code; send two capital letters such as 'DE'",
            {"code": code[:16].encode("ascii", "backslashreplace").decode()},
        )
    return code


def _require_text(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the JSON held
    # pydantic would also take Unix times; a number has no zone and hides whether it counts seconds or milliseconds.
    if not isinstance(value, str | datetime) or (isinstance(value, str) and "-" not in value[:5]):
        raise PydanticCustomError(
            "rfc3339_type", "a time must be an RFC 3339 string with a zone, such as '2026-01-31T09:30:00Z'"
        )
    return value


def _require_utc(time: datetime) -> datetime:
    if time.year in {1, 9999}:
        try:
            time.astimezone(UTC)
        except OverflowError:
            raise PydanticCustomError("utc_overflow", "is before year 1 or after year 9999 in UTC; send UTC") from None
    return time


Country = Annotated[
    str,
    AfterValidator(_require_country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$", "title": "ISO 3166-1 alpha-2 code"}),
]
_TIME_SCHEMA = {"type": "string", "format": "date-time", "title": "RFC 3339 time with a zone"}
Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_require_text),
    AfterValidator(_require_utc),
    WithJsonSchema(_TIME_SCHEMA),
]
