"""Finds rules that restrict many ordinary ads: each condition may be right, and the rule still be too wide."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime

from service.contracts.decision import Outcome
from service.contracts.submission import Submission
from service.linting.harmless import quote_ad
from service.linting.report import Findings
from service.linting.sample import Sample
from service.rules.ad_view import AdView
from service.strategy import Bundle, Problem
from service.strategy.effective import MergedRule

MOST_ADS_SHARE = 0.05
"""A rule that restricts a larger share of the ordinary ads that it is asked about is told."""
_FEWEST_ADS = 3


def find_wide_rules(bundle: Bundle, sample: Sample, as_of: datetime) -> Findings:
    """Return a warning for each rule that rejects, or sends to review, over 5 % of the sample's ads in its scope."""
    scores = dict.fromkeys(bundle.policies, 0.0)
    asked: Counter[MergedRule] = Counter()
    restricted: dict[MergedRule, list[Submission]] = defaultdict(list)
    for ad in sample.ads:
        strategy = bundle.strategy_for(ad, as_of)
        by_id = {rule.id: rule for rule in strategy.effective.active}
        asked.update(by_id.values())
        (results,) = strategy.evaluate_rules([AdView(ad)], [scores], as_of)
        for result in results:
            if result.outcome is not Outcome.APPROVE and not result.shift:
                restricted[by_id[result.rule]].append(ad)
    return Findings(warnings=tuple(_tell_wide(asked, restricted)))


def _tell_wide(asked: Mapping[MergedRule, int], restricted: Mapping[MergedRule, list[Submission]]) -> list[Problem]:
    wide = []
    for rule, ads in restricted.items():
        share = len(ads) / asked[rule]
        if len(ads) >= _FEWEST_ADS and share > MOST_ADS_SHARE:
            example = f"such as '{quote_ad(ads[0])}'"
            what = f"rule '{rule.id}' restricts {share * 100:.1f} % of the sample ads here, {example}"
            wide.append(rule.sources[0].problem(("id",), what, "add a condition, or shorten its lists"))
    return wide
