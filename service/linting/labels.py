"""Finds where the classifier and a bundle do not fit: labels that are no policies, policies without thresholds."""

from collections.abc import Iterator, Sequence

from service.linting.report import Findings
from service.strategy import Bundle, BundleFiles, Problem
from service.strategy.compiled import CompiledStrategy
from service.strategy.documents import read_yaml
from service.strategy.effective import THRESHOLD_FIELDS
from service.strategy.files import SHARED_FILE
from service.strategy.problems import suggest


def find_unfit_labels(files: BundleFiles, bundle: Bundle, labels: Sequence[str]) -> Findings:
    """Return an error for each label that a worker would refuse the bundle for, each once, at the place to mend."""
    problems = dict.fromkeys(_find_strangers(files, bundle, labels))
    for strategy in bundle.strategies:
        problems.update(dict.fromkeys(_find_gaps(bundle, strategy, labels)))
        problems.update(dict.fromkeys(_find_unscored(strategy, labels)))
    return Findings(tuple(problems))


def _find_strangers(files: BundleFiles, bundle: Bundle, labels: Sequence[str]) -> Iterator[Problem]:
    document = read_yaml(files[SHARED_FILE], SHARED_FILE)
    strangers = [label for label in labels if label not in bundle.policies]
    if strangers and not isinstance(document, Problem):
        what = f"the classifier scores what is no policy: {', '.join(strangers)}"
        yield document.problem(("policies",), what, "add these policies, or check with --no-model", of_key=True)


def _find_gaps(bundle: Bundle, strategy: CompiledStrategy, labels: Sequence[str]) -> Iterator[Problem]:
    # The broadest strategy covers every ad, so thresholds there are thresholds everywhere.
    document = strategy.effective.layers[-1].document
    for label in labels:
        if label in bundle.policies and label not in strategy.thresholds:
            what = f"the classifier scores '{label}', which has no thresholds"
            yield document.problem(("thresholds",), what, f"add thresholds.{label}", of_key=True)


def _find_unscored(strategy: CompiledStrategy, labels: Sequence[str]) -> Iterator[Problem]:
    for policy in strategy.thresholds:
        origin = strategy.effective.threshold_origin(policy, THRESHOLD_FIELDS[0])
        if policy not in labels and origin is not None:
            near = suggest(policy, labels)
            remedy = near if near.startswith("did you mean") else "remove it, and cover the policy by rules"
            yield Problem(*origin.where, f"thresholds.{policy} exists, but the classifier has no such label", remedy)
