"""The small shapes that a bundle's files are made of: one value or several, markets, shares, times; with remedies."""

from typing import Annotated, Any

from iso3166 import countries_by_alpha2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError

from service.contracts.decision import View
from service.contracts.model import Slug, Timestamp

ANY = "any"

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0, strict=True, allow_inf_nan=False)]
Moment = Timestamp


def Remedied(what: str, remedy: str) -> PydanticCustomError:  # noqa: N802 - made like the class that it returns
    """Return the error of a validator that knows the remedy."""
    return PydanticCustomError("remedied", "{what}", {"what": what, "remedy": remedy})


class Section(BaseModel):
    """A part of a file; an unknown field is an error, since it is mostly a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _OneOrSeveral:
    """A value stands for a list of one, for people and in the JSON Schema."""

    def __init__(self, least: int = 1) -> None:
        self._least = least

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        return {"anyOf": [schema["items"], {**schema, "minItems": self._least}]}


def _as_list(value: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    return value if isinstance(value, list | tuple) else [value]


def _check_values(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # After the items' own checks, so that a wrong item gives one error and not two.
    if not values:
        raise ValueError("there must be at least one value")
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


def _require_market(code: str) -> str:
    if code != ANY and code not in countries_by_alpha2:
        raise Remedied(f"'{code[:16]}' is not an ISO 3166-1 code", suggest_market(code))
    return code


_FAMILIAR = {"UK": "GB", "EL": "GR", "USA": "US", "GBR": "GB", "DEU": "DE", "FRA": "FR", "EN": "GB", "JA": "JP"}


def suggest_market(code: str) -> str:
    """Return the remedy for what is no market."""
    meant = code.strip().upper()
    meant = _FAMILIAR.get(meant, meant)
    if meant in countries_by_alpha2:
        return f"did you mean '{meant}'?"
    return "write two capital letters such as DE, or any"


def _require_path(path: str) -> str:
    parts = path.split("/")
    if parts[0] != "rules" or not path.endswith(".yaml") or len(parts) == 1 or {"", ".", ".."} & set(parts):
        raise Remedied(f"'{path[:80]}' is no rule file", "write a path such as rules/destinations.yaml")
    return path


def _require_some(values: Any) -> Any:  # noqa: ANN401 - a list or a mapping
    # Not `min_length`, which would count a wrong item as missing and so give two errors for one mistake.
    if not values:
        raise Remedied("there is nothing in it", "add at least one")
    return values


require_some = AfterValidator(_require_some)
forbid_twice = AfterValidator(lambda values: _check_values(values) if values else values)

Several = Annotated[tuple[Slug, ...], BeforeValidator(_as_list), AfterValidator(_check_values), _OneOrSeveral()]
Market = Annotated[str, AfterValidator(_require_market)]
Markets = Annotated[tuple[Market, ...], BeforeValidator(_as_list), AfterValidator(_check_values), _OneOrSeveral()]
SeveralViews = Annotated[tuple[View, ...], BeforeValidator(_as_list), AfterValidator(_check_values), _OneOrSeveral()]
Conditions = Annotated[tuple[Text, ...], BeforeValidator(_as_list), _OneOrSeveral(0)]  # none: a broader rule's go
FilePath = Annotated[str, AfterValidator(_require_path)]
SeveralPaths = Annotated[
    tuple[FilePath, ...], BeforeValidator(_as_list), AfterValidator(_check_values), _OneOrSeveral()
]
