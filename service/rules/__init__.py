"""Finds what rules speak of in an ad: terms in its texts, hosts in its addresses, conditions on its fields.

Above `text`, below `strategy`; knows no thresholds and decides nothing.
"""

from service.rules.ad_view import AdView
from service.rules.advertisers import AdvertiserHit, AdvertiserIndex
from service.rules.condition_errors import ConditionError
from service.rules.conditions import CompiledConditions
from service.rules.hosts import HostHit, HostIndex
from service.rules.regexes import RegexEntry, RegexHit, RegexIndex
from service.rules.terms import TermEntry, TermHit, TermIndex

__all__ = [
    "AdView", "AdvertiserHit", "AdvertiserIndex", "CompiledConditions", "ConditionError", "HostHit", "HostIndex",
    "RegexEntry", "RegexHit", "RegexIndex", "TermEntry", "TermHit", "TermIndex",
]  # fmt: skip
