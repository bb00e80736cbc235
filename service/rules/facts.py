"""The variables that conditions may use: name, type, meaning, and how to read each off an ad. Nothing else is visible.

Only what a strategy mentions is read, so an expensive one (`ad.language`) costs nothing where no rule uses it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from service.rules.ad_view import AdView

SECONDS_PER_DAY = 86_400.0
UNKNOWN_AGE_DAYS = -1.0
"""`advertiser.age_days` where nobody said when the account was made: younger than any, so that rules stay careful."""


class Situation(NamedTuple):
    """What conditions are evaluated on; hits are the names of the lists that hit."""

    ad: AdView
    as_of: datetime
    scores: Mapping[str, float]
    term_hits: Sequence[str]
    host_hits: Sequence[str]
    regex_hits: Sequence[str] = ()
    advertiser_hits: Sequence[str] = ()


class Fact(NamedTuple):
    """A variable: its CEL type (as conditions' authors write it), its meaning, and how to read it."""

    type: str
    meaning: str
    read: Callable[[Situation], Any]


def _age_days(at: Situation) -> float:
    created = at.ad.submission.advertiser.created_at
    return max(0.0, (at.as_of - created).total_seconds() / SECONDS_PER_DAY) if created else UNKNOWN_AGE_DAYS


FACTS: dict[str, Fact] = {
    "ad.vertical": Fact("string", "The ad's vertical.", lambda at: at.ad.submission.vertical),
    "ad.market": Fact("string", "ISO 3166-1 code of the market.", lambda at: at.ad.submission.market),
    "ad.product": Fact("string", "The ad product or placement.", lambda at: at.ad.submission.product),
    "ad.language": Fact("string", "ISO 639-1 code, as sent or as guessed; '' if unknown.", lambda at: at.ad.language),
    "ad.attributes": Fact("map(string, dyn)", "The attributes as sent.", lambda at: at.ad.submission.attributes),
    "advertiser.country": Fact("string", "ISO code, or ''.", lambda at: at.ad.submission.advertiser.country or ""),
    "advertiser.age_days": Fact("double", "Account age at decision time; -1.0 if unknown.", _age_days),
    "advertiser.trust_tier": Fact(
        "string",
        "unknown, new, standard, trusted, restricted.",
        lambda at: at.ad.submission.advertiser.trust_tier._value_,
    ),
    "landing.given": Fact("bool", "The ad has a landing URL.", lambda at: bool(at.ad.submission.creative.landing_url)),
    "landing.valid": Fact("bool", "A browser would open it.", lambda at: at.ad.landing.valid),
    "landing.host": Fact("string", "The host a browser goes to.", lambda at: at.ad.landing.host),
    "landing.domain": Fact("string", "Its registrable domain.", lambda at: at.ad.landing.registrable_domain),
    "landing.is_ip": Fact("bool", "The host is an IP address.", lambda at: at.ad.landing.is_ip),
    "landing.has_credentials": Fact("bool", "user:password@ in the URL.", lambda at: at.ad.landing.has_credentials),
    "landing.encoding_depth": Fact(
        "int", "Levels of percent-encoding, 0 to 5.", lambda at: at.ad.landing.encoding_depth
    ),
    "landing.punycode": Fact("bool", "The host has letters beyond ASCII.", lambda at: at.ad.landing.punycode),
    "landing.mixed_scripts": Fact("bool", "A host label mixes scripts.", lambda at: at.ad.landing.mixed_scripts),
    "landing.differs_from_display": Fact(
        "bool", "Landing and display URL have different domains.", lambda at: at.ad.differs_from_display
    ),
    "scores": Fact("map(string, double)", "The classifier's probability by policy.", lambda at: dict(at.scores)),
    "term_hits": Fact("list(string)", "Names of the term lists that hit.", lambda at: list(at.term_hits)),
    "regex_hits": Fact("list(string)", "Names of the regex lists that hit.", lambda at: list(at.regex_hits)),
    "host_hits": Fact("list(string)", "Names of the host lists that hit.", lambda at: list(at.host_hits)),
    "advertiser_hits": Fact(
        "list(string)", "Names of the advertiser lists that name the advertiser.", lambda at: list(at.advertiser_hits)
    ),
}
