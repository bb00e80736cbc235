"""Finds what a bundle holds and nothing uses: lists, policies, approvals of what nobody flags, strategies long over."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from service.contracts.decision import Outcome
from service.linting.report import Findings
from service.strategy import BundleFiles, Problem
from service.strategy.documents import read_yaml
from service.strategy.effective import Effective, MergedRule
from service.strategy.files import SHARED_FILE
from service.strategy.layers import Layer
from service.strategy.lists import Lists
from service.strategy.schema import BundleFile

_NAME_IN_TEXT = re.compile(r"""["']([^"'\\]+)["']""")


def find_unused(
    files: BundleFiles, shared: BundleFile, layers: Sequence[Layer], effectives: Sequence[Effective], lists: Lists
) -> Findings:
    """Return warnings of lists, policies and approvals that change nothing."""
    return Findings(
        warnings=(
            *_find_lists(layers, lists),
            *_find_policies(files, shared, layers),
            *_find_approvals(effectives),
            *_find_floods(layers),
        )
    )


def find_ended(layers: Iterable[Layer], as_of: datetime) -> Findings:
    """Return a warning for each strategy whose time is over."""
    ended = []
    for layer in layers:
        until = layer.strategy.effective.until
        if until and until <= as_of:
            what = f"strategy '{layer.id}' ended on {until.date()} and no longer applies"
            ended.append(layer.document.problem(("effective", "until"), what, "delete the file, or move the date"))
    return Findings(warnings=tuple(ended))


def _find_lists(layers: Iterable[Layer], lists: Lists) -> Iterator[Problem]:
    used: set[str] = set()
    for entry in (source.entry for layer in layers for source in layer.rules):
        used.update(entry.match.lists if entry.match else ())
        used.update(name for text in entry.when for name in _NAME_IN_TEXT.findall(text))
    for file, read_file in lists.files.items():
        if read_file.name not in used:
            yield Problem(file, 1, 1, f"no rule uses the list '{read_file.name}'", "name it in a match, or delete it")


def _find_policies(files: BundleFiles, shared: BundleFile, layers: Sequence[Layer]) -> Iterator[Problem]:
    used = {policy for layer in layers for policy in layer.strategy.thresholds}
    used |= {source.entry.policy for layer in layers for source in layer.rules if source.entry.policy}
    document = read_yaml(files[SHARED_FILE], SHARED_FILE)
    for policy in shared.policies:
        if policy not in used and not isinstance(document, Problem):
            what = f"policy '{policy}' has neither rules nor thresholds"
            yield document.problem(("policies", policy), what, "add one, or delete the policy", of_key=True)


def _find_approvals(effectives: Iterable[Effective]) -> Iterator[Problem]:
    useful: dict[MergedRule, bool] = {}
    for effective in effectives:
        for rule in effective.active:
            if rule.values.get("action") == Outcome.APPROVE.value:
                useful[rule] = useful.get(rule, False) or rule.values["policy"] in effective.thresholds
    for rule in (rule for rule, used in useful.items() if not used):
        policy = rule.values["policy"]
        what = f"rule '{rule.id}' approves what nothing flags: no thresholds of '{policy}' apply here"
        yield rule.source_of("action").problem(("action",), what, "remove it; an approval only takes back a score")


def _find_floods(layers: Iterable[Layer]) -> Iterator[Problem]:
    for layer in layers:
        for policy, entry in layer.strategy.thresholds.items():
            if entry.approve_below == 0.0:
                what = f"thresholds.{policy}.approve_below is 0, so no ad is approved here"
                yield layer.document.problem(("thresholds", policy, "approve_below"), what, "write a larger number")
