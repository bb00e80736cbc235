"""The base of every contract and the scalar types that contracts share."""

from datetime import datetime
from typing import Annotated, Any

from iso3166 import countries_by_alpha2
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

# Ids travel in keys, logs and shell commands: no white space, no control characters.
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s\p{Cc}]+$")]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class Contract(BaseModel):
    """An immutable record of a topic. A reader ignores fields that it does not know, so that releases can add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


def _require_country(code: str) -> str:
    if code not in countries_by_alpha2:
        raise PydanticCustomError(
            "unknown_country",
            "'{code}' is not an ISO 3166-1 alpha-2 code; send two capital letters such as 'DE'",
            {"code": code[:16]},
        )
    return code


def _require_text(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the JSON held
    # pydantic would also take Unix times; a number has no zone and hides whether it counts seconds or milliseconds.
    if not isinstance(value, str | datetime) or (isinstance(value, str) and "-" not in value[:5]):
        raise PydanticCustomError(
            "rfc3339_type", "a time must be an RFC 3339 string with a zone, such as '2026-01-31T09:30:00Z'"
        )
    return value


Country = Annotated[str, StringConstraints(min_length=2, max_length=2), AfterValidator(_require_country)]
Timestamp = Annotated[AwareDatetime, BeforeValidator(_require_text, json_schema_input_type=str)]
