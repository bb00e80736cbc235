"""Bundles that do not fit the classifier."""

from service.linting.labels import find_unfit_labels
from service.strategy import compile_bundle
from tests.unit.linting.conftest import change_base


def _find(*labels: str) -> list[str]:
    files = change_base()
    return [str(problem) for problem in find_unfit_labels(files, compile_bundle(files), labels).errors]


def test_labels_that_fit() -> None:
    """The base bundle was made for these."""
    assert _find("gambling", "scam_fraud") == []


def test_each_kind_of_misfit_has_its_place() -> None:
    """A label that is no policy stands in bundle.yaml; thresholds of no label where they are written, each once."""
    assert _find("gambling", "spam", "clickbait") == [
        (
            "bundle.yaml:7:1: the classifier scores what is no policy: spam, clickbait; "
            "add these policies, or check with --no-model"
        ),
        (
            "default.yaml:8:31: thresholds.scam_fraud exists, but the classifier has no such label; "
            "remove it, and cover the policy by rules"
        ),
    ]


def test_a_label_without_thresholds_is_told_at_the_broadest_strategy() -> None:
    """There they would hold everywhere."""
    files = change_base(("default.yaml", "  scam_fraud: {approve_below: 0.3, reject_above: 0.8}\n", ""))
    (problem,) = find_unfit_labels(files, compile_bundle(files), ["gambling", "scam_fraud"]).errors
    assert str(problem) == (
        "default.yaml:6:1: the classifier scores 'scam_fraud', which has no thresholds; add thresholds.scam_fraud"
    )
