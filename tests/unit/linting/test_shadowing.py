"""Rules that another rule makes pointless, and rules that only look so."""

# ruff: noqa: E501 - a pair of rules is read on one line

import pytest

from tests.unit.linting.conftest import Check

_HEAD = "id: germany\nowner: x\ndescription: y\nscope: {market: DE}\nrules:\n"


def _write(*rules: str) -> dict[str, str]:
    return {
        "lists/terms/dice.txt": "dice table\n",
        "germany.yaml": _HEAD + "".join(f"  - {{id: rule-{n}, {rule}}}\n" for n, rule in enumerate(rules, 1)),
    }


def _shadowed(check: Check, *rules: str) -> list[str]:
    report = check(files=_write(*rules))
    assert not report.errors
    return [warning.what for warning in report.warnings if "changes nothing" in warning.what]


@pytest.mark.parametrize(
    "rules",
    [
        ["policy: scam_fraud, when: landing.is_ip, action: review", "policy: scam_fraud, when: landing.is_ip, action: review"],
        ["policy: gambling, match: {terms: dice}, action: reject", "policy: gambling, match: {terms: dice, in: [body]}, action: review"],
        ["policy: gambling, match: {terms: dice, hosts: blocked}, action: reject", "policy: gambling, match: {hosts: blocked}, action: reject"],
        ["policy: scam_fraud, when: advertiser.age_days < 30.0, action: reject", "policy: scam_fraud, when: advertiser.age_days < 7.0, match: {terms: dice}, action: reject"],
    ],
)  # fmt: skip
def test_a_rule_that_never_matters(rules: list[str], check: Check) -> None:
    """The later of two equal ones, the narrower, the milder: each is told with the rule that makes it pointless."""
    (what,) = _shadowed(check, *rules)
    assert what.startswith("rule 'rule-2' changes nothing: rule 'rule-1' (germany.yaml:6:")


@pytest.mark.parametrize(
    "rules",
    [
        ["policy: scam_fraud, when: landing.is_ip, action: review", "policy: gambling, when: landing.is_ip, action: review"],
        ["policy: gambling, match: {terms: dice, in: [headline]}, action: reject", "policy: gambling, match: {terms: dice}, action: review"],
        ["policy: gambling, match: {terms: dice}, action: reject, evasion_action: review", "policy: gambling, match: {terms: dice, in: [body]}, action: reject"],
        ["policy: scam_fraud, when: landing.is_ip, action: review", "policy: scam_fraud, when: 'landing.is_ip && landing.valid', action: reject"],
        ["policy: scam_fraud, when: size(term_hits) > 1, action: reject", "policy: scam_fraud, when: size(term_hits) > 2, action: reject"],
        ["policy: gambling, when: landing.is_ip, action: raise, by: 0.2", "policy: gambling, when: landing.is_ip, action: raise, by: 0.1"],
        ["policy: gambling, when: landing.is_ip, action: reject", "policy: gambling, when: landing.is_ip, action: approve"],
    ],
)  # fmt: skip
def test_a_rule_that_matters(rules: list[str], check: Check) -> None:
    """Another policy, more fields, a harder action, a condition that is not understood: nothing is claimed."""
    assert _shadowed(check, *rules) == []


def test_a_rule_that_is_shadowed_in_one_scope_only(check: Check) -> None:
    """The default's rule still works elsewhere, so it is no mistake that Germany's is harder."""
    assert _shadowed(check, "policy: gambling, match: {terms: [dice, casino]}, action: reject") == []
