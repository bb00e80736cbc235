"""Traffic for load tests: the demo's ads, varied by a seed into as many different ones as asked for.

The demo is mostly violations, to show them; here a share says how many are. Texts get longer, prices, domains and
advertisers change, so that no cache of the service sees the same ad twice and no two runs see different traffic.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

_DEMO = Path(__file__).resolve().parents[1] / "service" / "demo" / "ads.jsonl"

_CLEAN_NAMES = (
    "shop voyages moebel eikaiwa ovoshi fushi bank taller fazenda mataajer yog scarves malt chairs tables ull rongthao"
    " padding cook"
)
CLEAN_HOSTS = frozenset(f"{name}.example" for name in _CLEAN_NAMES.split())
"""Display hosts of the demo's ads that look clean; all others count as violations."""

# How often a market's ads occur, against 1 for any other; roughly how an advertising platform's languages are spread.
_LANGUAGE_WEIGHTS = {"en": 6.0, "de": 3.0, "es": 3.0, "fr": 2.0, "pt": 2.0, "ja": 2.0, "zh": 2.0}
# Sentences in an ad's body, with weights: most ads are short, a few are advertorials.
_SENTENCES = ((1, 40), (2, 30), (3, 15), (6, 10), (15, 4), (60, 1))
_IMAGE_TEXT_SHARE = 0.2
_TRANSCRIPT_SHARE = 0.03
_TRANSCRIPT_SENTENCES = 25
_ADVERTISERS = 2_000
_JITTER_S = 60


@dataclass(frozen=True)
class Mix:
    """Which ads: shares of violations (None: as the demo has them), of unreadable records, of ads made longer."""

    violating: float | None = 0.12
    unreadable: float = 0.005
    lengthened: float = 1.0


REALISTIC = Mix()
DEMO = Mix(violating=None, lengthened=0.0)
READABLE = Mix(unreadable=0.0)


def make_ads(count: int, now: datetime, mix: Mix = REALISTIC, *, prefix: str = "ad", seed: int = 1) -> Iterator[bytes]:
    """Yield `count` record values; the same for the same arguments. The id of ad `n` is `identify(prefix, n)`."""
    chance = random.Random(seed)
    source = _Source(mix, chance)
    for number in range(count):
        ad = source.draw(identify(prefix, number), now)
        spoil = chance.choice(_SPOILERS) if chance.random() < mix.unreadable else orjson.dumps
        yield spoil(ad)


def make_records(
    count: int, now: datetime, mix: Mix = REALISTIC, *, prefix: str = "ad", seed: int = 1
) -> Iterator[tuple[bytes, bytes]]:
    """Yield `count` (key, value) pairs of `make_ads`."""
    for number, value in enumerate(make_ads(count, now, mix, prefix=prefix, seed=seed)):
        yield identify(prefix, number).encode(), value


def identify(prefix: str, number: int) -> str:
    """Return the id, which is also the record's key, of the ad with that number."""
    return f"{prefix}-{number:07d}"


class _Source:
    """Draws one ad after the other from the demo's."""

    def __init__(self, mix: Mix, chance: random.Random) -> None:
        self._chance = chance
        self._mix = mix
        ads: list[dict[str, Any]] = [json.loads(line) for line in _DEMO.read_text(encoding="utf-8").splitlines()]
        self._all = ads
        self._clean = [ad for ad in ads if ad["creative"]["display_url"] in CLEAN_HOSTS]
        self._bad = [ad for ad in ads if ad["creative"]["display_url"] not in CLEAN_HOSTS]
        self._clean_weights = [_LANGUAGE_WEIGHTS.get(ad["language"], 1.0) for ad in self._clean]
        self._sentences = _gather_sentences(self._clean)

    def draw(self, ad_id: str, now: datetime) -> dict[str, Any]:
        """Return the fields of a new ad."""
        model = self._choose()
        advertiser = self._chance.randrange(_ADVERTISERS)
        submitted_at = now - timedelta(milliseconds=self._chance.randrange(_JITTER_S * 1_000))
        created_at = now - timedelta(days=model["advertiser"]["age_days"] + advertiser % 30)
        fields = {name: model["advertiser"][name] for name in ("country", "trust_tier")}
        return {
            "schema_version": 1,
            "ad_id": ad_id,
            "revision": 1,
            "submitted_at": submitted_at.isoformat(),
            **{name: model[name] for name in ("vertical", "market", "product", "language") if name in model},
            "advertiser": {"id": f"adv-{advertiser}", "created_at": created_at.isoformat(), **fields},
            "creative": self._vary(model, advertiser),
            "attributes": model.get("attributes", {}),
        }

    def _choose(self) -> dict[str, Any]:
        if self._mix.violating is None:
            return self._chance.choice(self._all)
        if self._chance.random() < self._mix.violating:
            return self._chance.choice(self._bad)
        (ad,) = self._chance.choices(self._clean, self._clean_weights)
        return ad

    def _vary(self, model: dict[str, Any], advertiser: int) -> dict[str, str]:
        chance = self._chance
        creative = dict(model["creative"])
        creative["headline"] = f"{creative.get('headline', '')} {chance.randrange(1, 1_000)}"
        # On the advertiser's own domain; the hosts that rules are about stay as they are in every eighth ad.
        if chance.random() > 1 / 8:
            for field in ("display_url", "landing_url"):
                creative[field] = creative[field].replace(".example", f"-{advertiser}.example")
        if chance.random() < self._mix.lengthened:
            self._lengthen(creative, model["language"])
        return creative

    def _lengthen(self, creative: dict[str, str], language: str) -> None:
        chance = self._chance
        (sentences,) = chance.choices([size for size, _ in _SENTENCES], [weight for _, weight in _SENTENCES])
        creative["body"] = self._extend(creative.get("body", ""), language, sentences - 1)
        if chance.random() < _IMAGE_TEXT_SHARE:
            creative.setdefault("image_text", f"{creative['headline'].upper()} -{chance.randrange(5, 60)} %")
        if chance.random() < _TRANSCRIPT_SHARE:
            creative["transcript"] = self._extend(creative.get("transcript", ""), language, _TRANSCRIPT_SENTENCES)

    def _extend(self, text: str, language: str, sentences: int) -> str:
        pool = self._sentences.get(language) or self._sentences["en"]
        added = (f"{self._chance.choice(pool)} {self._chance.randrange(1, 100)}." for _ in range(sentences))
        return " ".join((text, *added)).strip()


def _gather_sentences(ads: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the sentences of bodies by language, without their last stop."""
    found: dict[str, list[str]] = {}
    for ad in ads:
        body = ad["creative"].get("body", "").replace("。", ".")
        found.setdefault(ad["language"], []).extend(part.strip() for part in body.split(".") if part.strip())
    return found


def _truncate(ad: dict[str, Any]) -> bytes:
    return orjson.dumps(ad)[:180]


def _break_encoding(ad: dict[str, Any]) -> bytes:
    return orjson.dumps(ad).replace(b'"headline":"', b'"headline":"\xff\xfe')


def _misname_market(ad: dict[str, Any]) -> bytes:
    return orjson.dumps({**ad, "market": "XX"})


def _drop_advertiser(ad: dict[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in ad.items() if name != "advertiser"})


_SPOILERS: tuple[Callable[[dict[str, Any]], bytes], ...] = (
    _truncate,
    _break_encoding,
    _misname_market,
    _drop_advertiser,
)
