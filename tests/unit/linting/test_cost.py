"""What a bundle costs, and its budget."""

from service.linting.cost import measure_cost
from service.linting.sample import Sample
from service.strategy import compile_bundle
from tests.unit.linting.conftest import NOW, Check, change_base


def test_the_cost_is_that_of_an_ad(sample: Sample) -> None:
    """It is positive, and does not grow with the sample's size."""
    bundle = compile_bundle(change_base())
    one = measure_cost(bundle, sample.ads[:10], NOW, None)
    many = measure_cost(bundle, sample.ads, NOW, 50.0)
    assert 0 < one.us_per_ad < 10_000
    assert many.us_per_ad < 10 * one.us_per_ad
    assert (many.ads, many.budget_us) == (len(sample.ads), 50.0)


def test_a_budget_that_holds_is_not_told(check: Check) -> None:
    """Only what is over it is an error, at its place."""
    wide = check(("bundle.yaml", "policies:\n", "cost_budget_us: 1000000.0\npolicies:\n"))
    assert wide.errors == ()
    assert wide.cost is not None
    tight = check(("bundle.yaml", "policies:\n", "cost_budget_us: 0.001\npolicies:\n"))
    assert [(error.file, error.line, error.column) for error in tight.errors] == [("bundle.yaml", 7, 17)]
