"""Rule files that strategies share."""

# ruff: noqa: E501, ISC004 - an error stands as it is read, on one line where it can

import pytest

from service.strategy import StrategyError, compile_bundle
from tests.unit.strategy.conftest import FILES, STRATEGY

SMALL = {name: content.encode() for name, content in FILES.items()}
RULE = """\
rules:
  - id: {0}
    policy: gambling
    when: ad.market == "GB"
    action: review
"""


def with_files(include: str, **rules: str) -> dict[str, bytes]:
    strategy = STRATEGY.replace("thresholds:", f"include: {include}\nthresholds:").encode()
    return {**SMALL, "default.yaml": strategy, **{f"rules/{name}.yaml": text.encode() for name, text in rules.items()}}


def fail(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(StrategyError) as caught:
        compile_bundle(files)
    return str(caught.value).split("\n")


def test_included_rules_stand_before_a_strategy_s_own() -> None:
    """Those of a file that is included by an included one first; a file that two include counts once."""
    files = with_files(
        "[rules/a.yaml, rules/b.yaml]",
        a="include: rules/c.yaml\n" + RULE.format("from-a"),
        b="include: [rules/c.yaml]\n" + RULE.format("from-b"),
        c=RULE.format("from-c"),
    )
    bundle = compile_bundle(files)
    rules = [rule.id for rule in bundle.strategies[0].rule_set.rules]
    assert rules[:4] == ["from-c", "from-a", "from-b", "casino-words"]
    assert set(bundle.layers[0].files) == {"default.yaml", "rules/a.yaml", "rules/b.yaml", "rules/c.yaml"}
    assert str(bundle.layers[0].rules[0].where("policy")) == "rules/c.yaml:3:13"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (
            {"a": "include: rules/a.yaml"},
            ["rules/a.yaml:1:10: the include goes round in a circle: rules/a.yaml > rules/a.yaml; remove one of these includes"],
        ),
        (
            {"a": "include: [rules/b.yaml]", "b": "include: [rules/c.yaml]", "c": "include:\n  - rules/a.yaml"},
            [
                "rules/c.yaml:2:5: the include goes round in a circle: rules/a.yaml > rules/b.yaml > rules/c.yaml > "
                "rules/a.yaml; remove one of these includes"
            ],
        ),
        (
            {"a": "include: [rules/gamblin.yaml]", "gambling": RULE.format("g")},
            ["rules/a.yaml:1:11: unknown rule file 'rules/gamblin.yaml'; did you mean 'rules/gambling.yaml'?"],
        ),
        (
            {"a": "include: ../secret.yaml"},
            ["rules/a.yaml:1:10: include.0: '../secret.yaml' is no rule file; write a path such as rules/destinations.yaml"],
        ),
        (
            {"a": RULE.format("young")},
            ["default.yaml:15:9: rule id 'young' is already used by rule 1 of rules/a.yaml; give each rule its own id"],
        ),
        (
            {"a": RULE.format("x").replace("action", "acton")},
            ["rules/a.yaml:5:5: unknown field 'acton'; did you mean 'action'?"],
        ),
    ],
    ids=["itself", "circle", "unknown", "outside", "id twice", "shape"],
)  # fmt: skip
def test_mistakes_are_named_where_they_stand(rules: dict[str, str], told: list[str]) -> None:
    """Each once, in the file that holds it."""
    assert fail(with_files("[rules/a.yaml]", **rules)) == told


def test_a_mistake_in_a_file_that_two_strategies_include_is_told_once() -> None:
    """It is one mistake."""
    files = with_files("[rules/a.yaml]", a=RULE.format("x").replace("ad.market", "ad.markt"))
    narrow = b"id: gb\nowner: o\ndescription: d\nscope: {market: GB}\ninclude: rules/a.yaml\n"
    assert len(fail({**files, "gb.yaml": narrow})) == 1


def test_a_rule_file_that_nobody_includes_is_a_warning() -> None:
    """Its rules apply nowhere, which nobody means."""
    bundle = compile_bundle({**SMALL, "rules/idle.yaml": RULE.format("x").encode()})
    assert [str(warning) for warning in bundle.warnings] == [
        "rules/idle.yaml:1:1: no strategy includes these rules; add 'include: rules/idle.yaml' to one, or delete the file"
    ]
