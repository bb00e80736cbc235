from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.strategy import StrategyError, load_bundle
from service.strategy.documents import Document, read_yaml
from service.strategy.salvaging import salvage
from service.strategy.schema import BundleFile, StrategyFile
from tests.unit.strategy.conftest import BUNDLE, STRATEGY, WriteBundle


def read(text: str) -> Document:
    document = read_yaml(text.encode(), "x.yaml")
    assert isinstance(document, Document)
    return document


def test_mistakes_of_shape_do_not_hide_mistakes_of_meaning(write_bundle: WriteBundle) -> None:
    """One run names a misspelt action, a type error in the same rule, an unknown list and what ails bundle.yaml."""
    changes = (
        ("default.yaml", "action: review\n  - id: licensed", "action: reveiw\n  - id: licensed"),
        ("default.yaml", "advertiser.age_days < 7.0", "advertiser.age_days < 7"),
        ("default.yaml", "match: {terms: casino}", "match: {terms: casinos}"),
        ("default.yaml", "scam_fraud: {approve_below: 0.3", "scam_frauds: {approve_below: 0.3"),
        ("bundle.yaml", "harm_weight: 4.0", "harm_weight: heavy"),
    )
    with pytest.raises(StrategyError) as caught:
        load_bundle(write_bundle(*changes))
    assert [problem.what for problem in caught.value.problems] == [
        "policies.scam_fraud.harm_weight: input should be a valid number",
        "unknown policy 'scam_frauds'",
        "unknown list lists/terms/casinos.txt",
        "rule 'young': '<' does not work on double and int",
        "rules.1.action: input should be 'reject', 'review', 'approve', 'raise' or 'lower'",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: default\n", ""),
        ("id: default\n", "id: [1, 2]\n"),
        ("owner: team\n", "ownr: team\n"),
        ("scope: {vertical: any, market: any, product: any}", "scope: {market: Germany}"),
        ("rules:\n", "rules:\n  - 5\n  - {policy: gambling}\n"),
        ("when: ['has(ad.attributes.licence) && ad.attributes.licence == \"MGA-1\"']", "when: [{a: b}]"),
        ("rules:\n", "tests:\n  - {ad: 7}\nrules:\n"),
    ],
)
def test_the_rest_of_a_file_is_read(old: str, new: str) -> None:
    """Whatever is wrong in one place, the rule in another keeps its place and its condition."""
    assert old in STRATEGY
    strategy = salvage(read(STRATEGY.replace(old, new, 1)), StrategyFile)
    assert strategy is not None
    young = next(rule for rule in strategy.rules if rule.id == "young")
    assert young.when == ("advertiser.age_days < 7.0",)


def test_policies_are_known_by_name_though_one_is_wrong() -> None:
    """Else each mention of it elsewhere would be told as a mistake."""
    shared = salvage(read(BUNDLE.replace("harm_weight: 4.0", "harm_weight: heavy")), BundleFile)
    assert shared is not None
    assert set(shared.policies) == {"gambling", "scam_fraud"}
    assert salvage(read("schema_version: 1\n"), BundleFile) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(StrategyFile.model_fields)), inner)
        ),
        max_leaves=12,
    )
)
def test_anything_can_be_salvaged_or_not_without_an_error(value: Any) -> None:  # noqa: ANN401 - YAML holds anything
    """Salvaging answers with a model or with None."""
    for model in (StrategyFile, BundleFile):
        found = salvage(Document("x.yaml", value if isinstance(value, dict) else {"rules": value}), model)
        assert found is None or isinstance(found, model)
