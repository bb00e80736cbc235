"""Makes a large bundle for load tests: the starting bundle, grown to 200 rules for every ad and to 100,000 terms.

The same at every call. Terms are phrases of one to four words in six scripts, as lists that partners and police share
have them; half of the added rules look for them, most under conditions, the rest are conditions alone.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from service.strategy import BundleFiles, compile_bundle, read_folder

RULES = 200
TERMS = 100_000
_LISTS = 40
_SEED = 11
_RULE_FILE = "rules/grown.yaml"


def _split(words: str) -> list[str]:
    return words.split()


_ORDINARY_AD = ("DE", "retail", "feed")

_LATIN = (
    "ka lo mi ren tas vor bel cas dro gan per sul tri ni ze pho qua lin mar stu ber gen che est ver tion ado ung ité"
)
_SYLLABLES = {
    "latin": (70, _split(_LATIN)),
    "cyrillic": (14, _split("ка ло ми рен тас вор бел ста про ни зе лин мар чен жи щу ская ный")),
    "greek": (3, _split("κα λο μι ρεν τασ βελ προ νι ζε λιν μαρ")),
    "arabic": (4, _split("كا لو مي رن تس بل شر خم دو غا")),
    "hangul": (3, _split("카 지 노 대 출 무 료 성 인 도 박 약")),
    "han": (6, list("赌博网站现金提款药品枪支办证贷款免费彩票娱乐城真人视频发票代开身份")),
}
_WORDS = ((1, 25), (2, 45), (3, 22), (4, 8))
_MARKETS = _split("AE AT AU BE BR CA CH CN CZ DE DK ES FI FR GB GR HU IE IN IT JP KR MX NL NO PL PT RO RU SE TH TR US")
_TIERS = ("unknown", "new", "standard", "restricted")
_SCORED = ("scam_fraud", "gambling", "phishing", "misleading_health", "spam")


def make_large_bundle(starting: Path, *, version: int = 0) -> dict[str, bytes]:
    """Return the files; each `version` has one term more than the one before, so that it is another bundle."""
    files = read_folder(starting)
    chance = random.Random(_SEED)
    here = len(compile_bundle(files).strategy_of(_ORDINARY_AD, datetime(2026, 1, 1, tzinfo=UTC)).rule_set.rules)
    written = sum(content.count(b"\n") for name, content in files.items() if name.startswith("lists/terms/"))
    terms = list(_make_terms(TERMS - written, chance))
    for number in range(_LISTS):
        files[f"lists/terms/grown_{number:02}.txt"] = "\n".join([*terms[number::_LISTS], ""]).encode()
    files["lists/terms/grown_00.txt"] += b"".join(b"zzyzx number %d\n" % (one + 1) for one in range(version))
    files[_RULE_FILE] = "\n".join(["rules:", *_make_rules(RULES - here, chance), ""]).encode()
    include = f"include:\n  - {_RULE_FILE}\n".encode()
    files["default.yaml"] = files["default.yaml"].replace(b"include:\n", include, 1)
    return files


def count_terms(files: BundleFiles) -> int:
    """Return how many lines the term lists hold."""
    return sum(content.count(b"\n") for name, content in files.items() if name.startswith("lists/terms/"))


def _make_terms(count: int, chance: random.Random) -> Iterator[str]:
    scripts, weights = list(_SYLLABLES), [weight for weight, _ in _SYLLABLES.values()]
    sizes, shares = zip(*_WORDS, strict=True)
    seen: set[str] = set()
    while len(seen) < count:
        (script,), (words,) = chance.choices(scripts, weights), chance.choices(sizes, shares)
        syllables = _SYLLABLES[script][1]
        if script == "han":
            term = "".join(chance.choices(syllables, k=chance.randrange(3, 8)))
        else:
            term = " ".join("".join(chance.choices(syllables, k=chance.randrange(2, 5))) for _ in range(words))
        if term not in seen:
            seen.add(term)
            yield term


def _make_rules(count: int, chance: random.Random) -> Iterator[str]:
    for number in range(count):
        when = [make(chance) for make in chance.sample(_CONDITIONS, chance.choice((1, 2, 2, 3)))]
        matches = number % 2 == 0
        if matches and number % 3 == 0:
            when = []
        yield f"  - id: grown-{number:03}"
        yield f"    policy: {chance.choice(_SCORED)}"
        if when:
            yield "    when:"
            yield from (f"      - '{text}'" for text in when)
        if matches:
            yield f"    match: {{terms: grown_{number // 2 % _LISTS:02}}}"
        yield "    action: review"


def _name_markets(chance: random.Random) -> str:
    return "ad.market in [" + ", ".join(f'"{market}"' for market in sorted(chance.sample(_MARKETS, 6))) + "]"


def _name_tier(chance: random.Random) -> str:
    return f'advertiser.trust_tier == "{chance.choice(_TIERS)}"'


def _name_age(chance: random.Random) -> str:
    return f"advertiser.age_days < {chance.choice((3, 7, 14, 30, 90))}.0"


def _name_attribute(chance: random.Random) -> str:
    name = f"flag_{chance.randrange(20)}"
    return f"has(ad.attributes.{name}) && ad.attributes.{name} == true"


def _name_address(chance: random.Random) -> str:
    return chance.choice(("landing.is_ip", "landing.punycode", "landing.encoding_depth >= 2", "!landing.valid"))


def _name_host(chance: random.Random) -> str:
    return f'landing.host.endsWith(".{chance.choice(("top", "zip", "icu", "cyou"))}")'


def _name_score(chance: random.Random) -> str:
    label = chance.choice(_SCORED)
    return f'"{label}" in scores && scores["{label}"] > 0.{chance.randrange(60, 95)}'


_CONDITIONS = (
    _name_markets, _name_markets, _name_tier, _name_age, _name_attribute, _name_address, _name_host, _name_score,
)  # fmt: skip
