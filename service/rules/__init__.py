"""Finds what rules speak of in an ad: terms in its texts, hosts in its addresses, conditions on its fields.

Above `text`, below `strategy`; knows no thresholds and decides nothing.
"""

from service.rules.ad_view import AdView
from service.rules.conditions import CompiledConditions, ConditionError
from service.rules.hosts import HostHit, HostIndex
from service.rules.terms import TermEntry, TermHit, TermIndex

__all__ = [
    "AdView", "CompiledConditions", "ConditionError", "HostHit", "HostIndex", "TermEntry", "TermHit", "TermIndex",
]  # fmt: skip
