"""Each mistake a strategist can make, and exactly what Sluice says about it."""

# ruff: noqa: E501, ISC004 - an error stands as it is read, on one line where it can

import re

import pytest

from service.strategy import StrategyError, load_bundle
from tests.unit.strategy.conftest import STRATEGY, WriteBundle

MISTAKES: dict[str, tuple[tuple[str, str, str], str]] = {
    "unknown field": (
        ("default.yaml", "owner: team", "owner: team\nownr: x"),
        "default.yaml:3:1: unknown field 'ownr'; did you mean 'owner'?",
    ),
    "unknown field of a rule": (
        ("default.yaml", "    evasion_action: review", "    evasion_actoin: review"),
        "default.yaml:13:5: unknown field 'evasion_actoin'; did you mean 'evasion_action'?",
    ),
    "unknown field of a match": (
        ("default.yaml", "match: {terms: casino}", "match: {term: casino}"),
        "default.yaml:11:13: unknown field 'term'; did you mean 'terms'?",
    ),
    "missing field": (
        ("default.yaml", "owner: team\n", ""),
        "default.yaml:1:1: field 'owner' is missing in the file; add 'owner:'",
    ),
    "missing threshold": (
        ("default.yaml", "gambling: {approve_below: 0.4, reject_above: 0.9}", "gambling: {approve_below: 0.4}"),
        "default.yaml:6:13: field 'reject_above' is missing in thresholds.gambling; add 'reject_above:'",
    ),
    "duplicate key": (
        ("default.yaml", "owner: team", "owner: team\nowner: other"),
        """default.yaml:3:1: not YAML: found duplicate key "owner" with value "other" (original value: "team"); write each key once""",
    ),
    "not YAML": (
        ("default.yaml", "scope: {vertical", "scope: [vertical"),
        "default.yaml:4:49: not YAML: expected ',' or ']', but got '}'; mend the YAML here",
    ),
    "not a mapping": (
        ("default.yaml", STRATEGY, "- a\n"),
        "default.yaml:1:1: the file holds no mapping; start it with 'key: value' lines",
    ),
    "threshold in quotes": (
        ("default.yaml", "approve_below: 0.4", "approve_below: '0.4'"),
        "default.yaml:6:29: thresholds.gambling.approve_below: input should be a valid number; "
        "write a number such as 0.5, without quotes",
    ),
    "threshold above one": (
        ("default.yaml", "reject_above: 0.9", "reject_above: 90.0"),
        "default.yaml:6:48: thresholds.gambling.reject_above: input should be less than or equal to 1; "
        "write a number in that range",
    ),
    "thresholds out of order": (
        ("default.yaml", "approve_below: 0.4", "approve_below: 0.95"),
        "default.yaml:6:29: approve_below 0.95 is above reject_above 0.9; give approve_below the smaller number",
    ),
    "threshold of an unknown policy": (
        ("default.yaml", "  gambling: {", "  gamblng: {"),
        "default.yaml:6:3: unknown policy 'gamblng'; did you mean 'gambling'?",
    ),
    "rule of an unknown policy": (
        ("default.yaml", "policy: scam_fraud", "policy: scam"),
        "default.yaml:15:13: unknown policy 'scam'; did you mean 'scam_fraud'?",
    ),
    "unknown action": (
        ("default.yaml", "action: reject", "action: ban"),
        "default.yaml:12:13: rules.0.action: input should be 'reject', 'review', 'approve', 'raise' or 'lower'; "
        "write one of 'reject', 'review', 'approve', 'raise' or 'lower'",
    ),
    "unknown view": (
        ("default.yaml", "match: {terms: casino}", "match: {terms: casino, views: [squezed]}"),
        "default.yaml:11:36: rules.0.match.views.0: input should be 'base', 'latin' or 'squeezed'; "
        "did you mean 'squeezed'?",
    ),
    "unknown term list": (
        ("default.yaml", "match: {terms: casino}", "match: {terms: casinos}"),
        "default.yaml:11:20: unknown list lists/terms/casinos.txt; did you mean 'casino'?",
    ),
    "unknown host list": (
        ("default.yaml", "hosts: blocked", "hosts: block"),
        "default.yaml:25:20: unknown list lists/hosts/block.txt; did you mean 'blocked'?",
    ),
    "field to look in": (
        ("default.yaml", "match: {terms: casino}", "match: {terms: casino, in: [headlin]}"),
        "default.yaml:11:33: 'headlin' is no field to look in; did you mean 'headline'?",
    ),
    "empty match": (
        ("default.yaml", "match: {terms: casino}", "match: {in: [body]}"),
        "default.yaml:11:12: the match of rule 'casino-words' names no list; add 'terms:' or 'hosts:'",
    ),
    "rule that always fires": (
        (
            "default.yaml",
            "    match: {terms: casino}\n    action: reject\n    evasion_action: review\n",
            "    action: reject\n",
        ),
        "default.yaml:9:5: rule 'casino-words' has neither 'when' nor 'match'; add one, else it always fires",
    ),
    "evasion without terms": (
        (
            "default.yaml",
            "    action: review\n  - id: licensed",
            "    action: review\n    evasion_action: review\n  - id: licensed",
        ),
        "default.yaml:19:5: evasion_action only works with a match of terms; remove it, or add match.terms",
    ),
    "approval that the policy forbids": (
        ("default.yaml", "    action: review\n  - id: licensed", "    action: approve\n  - id: licensed"),
        "default.yaml:18:13: policy 'scam_fraud' does not let a rule approve; "
        "use review, or set rules_may_approve in bundle.yaml",
    ),
    "duplicate rule": (
        ("default.yaml", "id: young", "id: casino-words"),
        "default.yaml:14:9: rule id 'casino-words' is already used by rule 1; give each rule its own id",
    ),
    "unknown variable": (
        ("default.yaml", "advertiser.age_days < 7.0", "advertiser.age_day < 7.0"),
        "default.yaml:17:19: rule 'young': 'advertiser.age_day' is not a variable or function of conditions; "
        "did you mean 'advertiser.age_days'?",
    ),
    "double against int": (
        ("default.yaml", "advertiser.age_days < 7.0", "advertiser.age_days < 7"),
        "default.yaml:17:29: rule 'young': '<' does not work on double and int; "
        "write the number with a point, such as 7.0, where the other side is a double",
    ),
    "condition without a truth value": (
        ("default.yaml", "advertiser.age_days < 7.0", "advertiser.country"),
        "default.yaml:17:9: rule 'young': the condition gives a string, not true or false; compare it with something",
    ),
    "pattern in a condition": (
        ("default.yaml", "advertiser.age_days < 7.0", "landing.host.matches('x')"),
        "default.yaml:17:21: rule 'young': matches() is not allowed; put patterns on a list instead; it is slow here",
    ),
    "attribute that may be missing": (
        ("default.yaml", "advertiser.age_days < 7.0", "ad.attributes.discount > 3.0"),
        "default.yaml:17:9: rule 'young' fails on an ad that sends no attributes and has no scores: "
        """NOT_FOUND: Key not found in map : "discount"; ask first: has(ad.attributes.x) && ... , or 'x' in scores && ...""",
    ),
    "market that does not exist": (
        ("default.yaml", "market: any", "market: [DE, UK]"),
        "default.yaml:4:37: scope.market.1: 'UK' is not an ISO 3166-1 code; did you mean 'GB'?",
    ),
    "any beside others": (
        ("default.yaml", "vertical: any", "vertical: [any, retail]"),
        "default.yaml:4:19: scope.vertical says 'any' beside other values; write 'any' alone, or the values alone",
    ),
    "no default strategy": (
        ("default.yaml", "market: any", "market: NO"),
        "bundle:1:1: no strategy covers every ad; add a strategy whose scope is any in all three dimensions, without 'effective'",
    ),
    "empty entry": (
        ("lists/terms/casino.txt", "casino\n", "🎰\n"),
        "lists/terms/casino.txt:2:1: entry '🎰': nothing is left of it once it is normalised; write a longer word or a phrase",
    ),
    "short entry": (
        ("lists/terms/casino.txt", "casino\n", "  xx\n"),
        "lists/terms/casino.txt:2:3: entry 'xx': it is too short and would hit innocent texts; write a longer word or a phrase",
    ),
    "repeated entry": (
        ("lists/terms/casino.txt", "casino\n", "casino\nＣａｓｉｎｏ\n"),
        "lists/terms/casino.txt:3:1: entry 'Ｃａｓｉｎｏ' repeats line 2 once normalised; remove one of them",
    ),
    "no host": (
        ("lists/hosts/blocked.txt", "evil.example", "https://evil.example/x"),
        "lists/hosts/blocked.txt:1:1: entry 'https://evil.example/x' is no host; write a bare host such as 'shop.example'",
    ),
    "version that is no text": (
        ("bundle.yaml", 'version: "7"', "version: 7"),
        'bundle.yaml:2:10: version: input should be a valid string; write it in quotes, such as "7": YAML takes it for a number',
    ),
    "weight of nothing": (
        ("bundle.yaml", "harm_weight: 2.0", "harm_weight: 0.0"),
        "bundle.yaml:10:18: policies.gambling.harm_weight: input should be greater than 0; write a value that fits",
    ),
    "ground": (
        ("bundle.yaml", "kind: law", "kind: rule"),
        "bundle.yaml:8:20: policies.gambling.ground.kind: input should be 'terms' or 'law'; write one of 'terms' or 'law'",
    ),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_place_and_remedy(
    change: tuple[str, str, str], message: str, write_bundle: WriteBundle
) -> None:
    """The text of each error, word for word; a mistake gives one error, not several."""
    with pytest.raises(StrategyError) as caught:
        load_bundle(write_bundle(change))
    assert str(caught.value) == message


def test_all_mistakes_are_named_in_one_run(write_bundle: WriteBundle) -> None:
    """Three files with a mistake each, three lines, in the order of files and lines."""
    folder = write_bundle(
        ("default.yaml", "advertiser.age_days < 7.0", "advertiser.age_days < 7"),
        ("default.yaml", "policy: gambling", "policy: gamblin"),
        ("lists/terms/casino.txt", "casino\n", "x\n"),
    )
    with pytest.raises(StrategyError) as caught:
        load_bundle(folder)
    assert [re.sub(r"(:\d+:\d+).*", r"\1", line) for line in str(caught.value).split("\n")] == [
        "default.yaml:10:13", "default.yaml:17:29", "lists/terms/casino.txt:2:1",
    ]  # fmt: skip


def test_two_strategies_that_tie(write_bundle: WriteBundle) -> None:
    """Two equally specific scopes that share an ad are an error, and so is a shared id."""
    other = STRATEGY.replace("market: any", "market: [DE, FR]").replace("id: default", "id: other")
    third = STRATEGY.replace("market: any", "market: [FR, IT]").replace("id: default", "id: other")
    with pytest.raises(StrategyError) as caught:
        load_bundle(write_bundle(files={"other.yaml": other, "third.yaml": third.replace("id: other", "id: third")}))
    assert str(caught.value) == (
        "third.yaml:4:1: the scopes of 'other' and 'third' are equally specific and share ads; "
        "narrow one of them, so that one strategy applies"
    )
    with pytest.raises(StrategyError, match=r"third.yaml:1:5: strategy id 'other' is already used in other.yaml"):
        load_bundle(write_bundle(files={"other.yaml": other, "third.yaml": third}))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"default.yaml": b"id: \xff"}, "default.yaml:1:1: byte 4 is not UTF-8; save the file as UTF-8"),
        (
            {"lists/terms/casino.txt": b"casino\n\xff"},
            "lists/terms/casino.txt:2:1: byte 7 is not UTF-8; save the file as UTF-8",
        ),
        (
            {"lists/regex/x.txt": b"a"},
            "lists/regex/x.txt:1:1: not a list; put lists into lists/terms/*.txt, lists/regexes/*.txt, lists/hosts/*.txt, "
            "lists/advertisers/*.txt",
        ),
        (
            {"lists/terms/blocked.txt": b"casino"},
            "lists/terms/blocked.txt:1:1: two lists are called 'blocked': this one and lists/hosts/blocked.txt; "
            "rename one: a condition names a list by its name alone",
        ),
    ],
)
def test_files_that_cannot_be_read(files: dict[str, str | bytes], message: str, write_bundle: WriteBundle) -> None:
    """Broken bytes and stray files are named."""
    with pytest.raises(StrategyError) as caught:
        load_bundle(write_bundle(files=files))
    assert message in str(caught.value).split("\n")


def test_a_folder_without_a_bundle(tmp_path: object) -> None:
    """An empty folder says what is missing."""
    with pytest.raises(StrategyError, match=r"bundle.yaml:1:1: is missing; add it"):
        load_bundle(tmp_path)  # type: ignore[arg-type]
