"""Which strategies lie over which, and which value wins: random bundles against an oracle that tries everything."""

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.strategy import Bundle, StrategyError, compile_bundle
from service.strategy import layering as layering_module
from tests.unit.strategy.conftest import BUNDLE, FILES, STRATEGY

# One value more in each dimension than any strategy names, and moments before, between, on and after all turns.
MARKETS, VERTICALS, PRODUCTS = ("GB", "DE", "FR", "JP"), ("gambling", "retail", "other"), ("feed", "search", "story")
TURNS = ("2026-03-01T00:00:00Z", "2026-06-01T02:00:00+02:00", "2026-09-01T00:00:00Z")
MOMENTS = tuple(
    datetime(2026, month, day, tzinfo=UTC) for month, day in ((1, 1), (3, 1), (4, 1), (6, 1), (9, 1), (12, 1))
)
ADS = tuple(product(MARKETS, VERTICALS, PRODUCTS))
DEFAULT: dict[str, Any] = {
    "id": "default", "owner": "o", "description": "d", "scope": {},
    "thresholds": {"gambling": {"approve_below": 0.4, "reject_above": 0.9}},
    "rules": [
        {"id": "one", "policy": "gambling", "when": "ad.market == 'GB'", "action": "review"},
        {"id": "two", "policy": "scam_fraud", "when": "ad.market == 'DE'", "action": "reject", "note": "n"},
    ],
}  # fmt: skip
Layer = dict[str, Any]


def one_or_several(values: tuple[str, ...]) -> st.SearchStrategy[Any]:
    named = st.lists(st.sampled_from(values[:-1]), min_size=1, max_size=2, unique=True)
    return st.one_of(st.just("any"), st.sampled_from(values[:-1]), named)


PERIODS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.builds(lambda i: {"from": TURNS[i]}, st.integers(0, 2)),
    st.builds(lambda i: {"until": TURNS[i]}, st.integers(0, 2)),
    st.builds(lambda i: {"from": TURNS[i], "until": TURNS[i + 1]}, st.integers(0, 1)),
)
RULE_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "policy": st.sampled_from(["gambling", "scam_fraud"]),
        "action": st.sampled_from(["reject", "review"]),
        "when": st.sampled_from(["ad.product == 'feed'", "ad.product == 'search'"]),
        "note": st.one_of(st.none(), st.sampled_from(["a", "b"])),
        "enabled": st.booleans(),
    },
)
LAYERS = st.fixed_dictionaries(
    {
        "scope": st.fixed_dictionaries(
            {
                "market": one_or_several(MARKETS),
                "vertical": one_or_several(VERTICALS),
                "product": one_or_several(PRODUCTS),
            }
        ),
        "effective": PERIODS,
        "thresholds": st.fixed_dictionaries(
            {},
            optional={
                "gambling": st.fixed_dictionaries(
                    {},
                    optional={
                        "approve_below": st.sampled_from([0.1, 0.2, 0.3]),
                        "reject_above": st.sampled_from([0.6, 0.7, 0.8]),
                    },
                )
            },
        ),
        "policies": st.fixed_dictionaries(
            {},
            optional={
                "gambling": st.fixed_dictionaries(
                    {}, optional={"message": st.sampled_from(["x", "y"]), "harm_weight": st.sampled_from([1.5, 7.5])}
                )
            },
        ),
        "changes": st.fixed_dictionaries({}, optional={"one": RULE_CHANGES, "two": RULE_CHANGES}),
        "adds": st.booleans(),
    }
)


def build(number: int, drawn: Layer) -> Layer:
    layer = {name: value for name, value in drawn.items() if name not in {"changes", "adds"}}
    rules = [{"id": name, **changes} for name, changes in drawn["changes"].items()]
    if drawn["adds"]:
        rules.append({"id": f"own-{number}", "policy": "gambling", "when": "true || false", "action": "review"})
    return {"id": f"s{number}", "owner": "o", "description": "d", **layer, "rules": rules}


def rank(layer: Layer) -> tuple[int, ...]:
    sizes = (layer["scope"].get(name, "any") for name in ("market", "vertical", "product"))
    return tuple(0 if value == "any" else 2 if isinstance(value, str) or len(value) == 1 else 1 for value in sizes)


def applies(layer: Layer, ad: tuple[str, str, str], moment: datetime) -> bool:
    for name, value in zip(("market", "vertical", "product"), ad, strict=True):
        named = layer["scope"].get(name, "any")
        if named != "any" and value not in ([named] if isinstance(named, str) else named):
            return False
    period = {name: datetime.fromisoformat(text) for name, text in layer.get("effective", {}).items()}
    return ("from" not in period or period["from"] <= moment) and ("until" not in period or moment < period["until"])


def tie(one: Layer, other: Layer) -> bool:
    return rank(one) == rank(other) and any(
        applies(one, ad, moment) and applies(other, ad, moment) for ad in ADS for moment in MOMENTS
    )


def make(layers: list[Layer]) -> Bundle:
    files = {"bundle.yaml": BUNDLE.encode()}
    return compile_bundle(files | {f"{layer['id']}.yaml": json.dumps(layer).encode() for layer in layers})


def resolve(layers: list[Layer], ad: tuple[str, str, str], moment: datetime) -> dict[str, Any]:
    """Return what must apply, value by value, from the most specific layer that gives it."""
    covering = sorted((layer for layer in layers if applies(layer, ad, moment)), key=rank, reverse=True)
    values: dict[str, Any] = {"layers": tuple(layer["id"] for layer in covering)}
    for layer in reversed(covering):
        for section in ("thresholds", "policies"):
            for policy, fields in layer.get(section, {}).items():
                values.update({f"{section}.{policy}.{name}": value for name, value in fields.items()})
        for rule in layer["rules"]:
            values.update({f"rules.{rule['id']}.{name}": value for name, value in rule.items() if name != "id"})
    return values


def read_back(bundle: Bundle, ad: tuple[str, str, str], moment: datetime, wanted: dict[str, Any]) -> dict[str, Any]:
    strategy = bundle.strategy_of(ad, moment)
    values: dict[str, Any] = {"layers": strategy.layers}
    for policy, threshold in strategy.thresholds.items():
        values.update({f"thresholds.{policy}.{name}": value for name, value in threshold.model_dump().items()})
    for policy, whole in strategy.policies.items():
        fields = whole.model_dump().items()
        values.update({key: value for name, value in fields if (key := f"policies.{policy}.{name}") in wanted})
    for rule in strategy.effective.rules:
        named = {name: value[0] if name == "when" else value for name, value in rule.values.items()}
        values.update({f"rules.{rule.id}.{name}": value for name, value in named.items()})
    return values


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(LAYERS, max_size=6), st.data())
def test_each_value_is_that_of_the_most_specific_strategy_that_gives_it(
    drawn: list[Layer], data: st.DataObject
) -> None:
    """A thousand ads and moments a run: layers, thresholds, policies, rules' fields, rules that are switched off."""
    layers = [DEFAULT]
    for number, layer in enumerate(drawn):
        built = build(number, layer)
        if not any(tie(built, other) for other in layers):
            layers.append(built)
    bundle = make(layers)
    for _ in range(25):
        ad, moment = data.draw(st.sampled_from(ADS)), data.draw(st.sampled_from(MOMENTS))
        wanted = resolve(layers, ad, moment)
        assert read_back(bundle, ad, moment, wanted) == wanted
        switched_off = {key.split(".")[1] for key, value in wanted.items() if key.endswith(".enabled") and not value}
        active = {key.split(".")[1] for key in wanted if key.startswith("rules.")} - switched_off
        assert {rule.id for rule in bundle.strategy_of(ad, moment).rule_set.rules} == active


@settings(max_examples=60, deadline=None)
@given(LAYERS, LAYERS)
def test_strategies_that_tie_are_refused_and_no_others(first: Layer, second: Layer) -> None:
    """Equally specific, and some ad at some time is in both: then, and only then, it is an error."""
    layers = [DEFAULT, build(1, first), build(2, second)]
    pairs = ((one, other) for index, one in enumerate(layers) for other in layers[index + 1 :])
    if any(tie(one, other) for one, other in pairs):
        with pytest.raises(StrategyError, match="equally specific and share ads"):
            make(layers)
    else:
        assert len(make(layers).layers) == 3


def test_a_turn_belongs_to_what_begins_on_it() -> None:
    """From `from` on, until just before `until`, to the microsecond; a zone counts."""
    layer = {**build(1, {"changes": {}, "adds": False}), "scope": {"market": "GB"}}
    bundle = make([DEFAULT, {**layer, "effective": {"from": TURNS[1], "until": TURNS[2]}}])
    start, end = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    moments = [start.replace(year=2025), start, end.replace(month=8, day=31, hour=23), end]
    chosen = [bundle.strategy_of(("GB", "x", "y"), moment).id for moment in moments]
    assert chosen == ["default", "s1", "s1", "default"]


def test_a_clock_that_jumps_back_gets_what_applied_then() -> None:
    """The choice is a function of the moment alone, whatever was asked before."""
    layer = {**build(1, {"changes": {}, "adds": False}), "scope": {"market": "GB"}, "effective": {"from": TURNS[1]}}
    bundle = make([DEFAULT, layer])
    asked = [bundle.strategy_of(("GB", "x", "y"), moment).id for moment in (*MOMENTS, *reversed(MOMENTS))]
    assert asked == asked[::-1]


def test_ads_of_countless_verticals_take_no_memory() -> None:
    """A platform may send any vertical; what is remembered of them is bounded."""
    bundle = make([DEFAULT])
    for number in range(10_000):
        assert bundle.strategy_of(("GB", f"v{number}", "p"), MOMENTS[0]).id == "default"
    assert len(bundle._layerings._remembered) <= 4_096


def test_scopes_that_cross_too_often_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that nobody could compile in time names the limit."""
    monkeypatch.setattr(layering_module, "MAX_LAYERINGS", 3)
    layers = [
        {**build(n, {"changes": {}, "adds": False}), "scope": {name: value}}
        for n, (name, value) in enumerate([("market", "GB"), ("vertical", "retail"), ("product", "feed")])
    ]
    with pytest.raises(StrategyError, match=r"the scopes make 8 different sets of strategies; use fewer .*3 are let"):
        make([DEFAULT, *layers])


def test_no_strategy_for_all_times_is_an_error() -> None:
    """A default that ends leaves ads without any."""
    files = {name: text.encode() for name, text in FILES.items()}
    ending = STRATEGY.replace("scope:", "effective: {until: 2027-01-01T00:00:00Z}\nscope:").encode()
    with pytest.raises(StrategyError, match="no strategy covers every ad"):
        compile_bundle(files | {"default.yaml": ending})
