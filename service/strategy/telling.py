"""What a condition needs to know of facts of which hardly two ads have the same: mostly very little.

`advertiser.age_days < 7.0` only asks on which side of 7 an age lies, `"spam" in scores && scores["spam"] > 0.9` the
same of a score, and a condition on an attribute has one answer for all ads that do not send it. `gating` remembers
verdicts by these; a condition that asks in any other way is `opaque`, and is evaluated on every ad.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from service.rules.facts import FACTS, Situation

MANY_VALUED = frozenset({"ad.attributes", "advertiser.age_days", "landing.host", "landing.domain", "scores"})
"""Facts of which hardly two ads have the same."""

# Read together: most addresses have nothing odd.
_ADDRESS_SIGNS = frozenset(
    "landing." + name for name in ("valid", "is_ip", "has_credentials", "encoding_depth", "punycode", "mixed_scripts")
)
# A comparison that stands alone: no arithmetic, and no other comparison before it.
_BEFORE = r"(?:^|(?<=[(&|?:,]))\s*"
_LIMIT = r"\s*(?:<=|>=|==|!=|<|>)\s*(-?\d+\.\d+)(?![\w.])(?!\s*[-+*/%])"
_AGE = re.compile(rf"{_BEFORE}advertiser\.age_days{_LIMIT}")
_SCORE = re.compile(rf'{_BEFORE}scores\["(\w+)"\]{_LIMIT}')
_SCORED = re.compile(r'"(\w+)" in scores(?![\w.\[])')
_ATTRIBUTE = re.compile(r"\bad\.attributes\.([A-Za-z_]\w*+)(?!\s*\()")
_TEXTS_REMEMBERED = 4_096


class Telling(NamedTuple):
    """What one condition asks: limits of an age, labels and limits of scores, names of attributes."""

    opaque: bool
    ages: frozenset[float]
    scores: frozenset[tuple[str, float | None]]
    attributes: frozenset[str]


@lru_cache(_TEXTS_REMEMBERED)
def read_condition(text: str) -> Telling:
    """Return what a condition asks. One that mentions a fact of many values in another way is opaque."""
    ages = frozenset(float(limit) for limit in _AGE.findall(text))
    scores: set[tuple[str, float | None]] = {(label, float(limit)) for label, limit in _SCORE.findall(text)}
    scores |= {(label, None) for label in _SCORED.findall(text)}
    attributes = frozenset(_ATTRIBUTE.findall(text))
    left = text
    for known in (_AGE, _SCORE, _SCORED, _ATTRIBUTE):
        left = known.sub(" ", left)
    return Telling(any(name in left for name in MANY_VALUED), ages, frozenset(scores), attributes)


class Signs:
    """Reads off an ad all that some conditions need to know of it, as values of which many ads have the same."""

    def __init__(self, texts: Iterable[str]) -> None:
        asked = [(text, read_condition(text)) for text in texts]
        clear = [(text, telling) for text, telling in asked if not telling.opaque]
        mentioned = "\n".join(text for text, _ in clear)
        # What the lists hit is part of every question already.
        plain = [name for name in FACTS if name not in MANY_VALUED | _ADDRESS_SIGNS and not name.endswith("_hits")]
        self._reads = [FACTS[name].read for name in plain if name in mentioned]
        self._reads_address = any(name in mentioned for name in _ADDRESS_SIGNS)
        self._ages = sorted({limit for _, telling in clear for limit in telling.ages})
        self._attributes = frozenset(name for _, telling in clear for name in telling.attributes)
        limits: defaultdict[str, set[float]] = defaultdict(set)
        for label, limit in (score for _, telling in clear for score in telling.scores):
            limits[label] |= set() if limit is None else {limit}
        self._scores = [(label, sorted(some)) for label, some in sorted(limits.items())]

    def read(self, situation: Situation) -> tuple[object, ...]:
        """Return the signs. Two ads with equal ones and equal hits get one answer from each condition that is clear."""
        signs: list[object] = [read(situation) for read in self._reads]
        if self._reads_address:
            signs.append(situation.ad.landing.signs)
        if self._ages:
            signs.append(_place(FACTS["advertiser.age_days"].read(situation), self._ages))
        for label, limits in self._scores:
            score = situation.scores.get(label)
            signs.append(None if score is None else _place(score, limits))
        signs.append(self.sent(situation))
        return tuple(signs)

    def sent(self, situation: Situation) -> frozenset[str]:
        """Return the attributes that conditions ask about and the ad sends."""
        attributes = situation.ad.submission.attributes
        return self._attributes.intersection(attributes) if attributes else frozenset()


def _place(value: float, limits: Sequence[float]) -> tuple[int, int]:
    return bisect_left(limits, value), bisect_right(limits, value)
