"""The whole check, on bundles that are in a bad way."""

from hypothesis import given, settings
from hypothesis import strategies as st

from service.contracts.examples import SUBMISSION
from service.linting.check import check_bundle
from service.linting.sample import EverydayWord, Sample
from tests.unit.linting.conftest import NOW, Check, change_base

_FOLDED = """\
id: germany
owner: x
description: y
scope: {market: DE}
rules:
  - id: folded
    policy: scam_fraud
    when:
      - >-
        landing.is_ip &&
        advertiser.age_days < 7
    action: review
"""


def test_a_condition_in_a_folded_block_that_does_not_compile(check: Check) -> None:
    """It is told once, and what cannot be evaluated is not."""
    (error,) = check(files={"germany.yaml": _FOLDED}).errors
    assert "'<' does not work on double and int" in error.what


def test_regexes_that_are_too_much_together_are_told(check: Check) -> None:
    """The rest of the check goes on."""
    wide = "".join(f"({letter}[a-z0-9]{{1,400}}){letter}{{1,2}}\n" for letter in "abcdefghijklmnopqrstuvwxyz")
    report = check(files={"lists/regexes/promises.txt": wide, "lists/terms/casino.txt": "x\n"})
    assert "lists/terms/casino.txt" in {error.file for error in report.errors}


def test_findings_stand_in_order_and_once(check: Check) -> None:
    """A rule file that two strategies include has its mistake once."""
    shared = "rules:\n  - {id: odd, policy: scam_fraud, when: landing.encoding_depth > 7, action: review}\n"
    head = "owner: x\ndescription: y\ninclude: [rules/odd.yaml]\n"
    report = check(
        files={
            "rules/odd.yaml": shared,
            "germany.yaml": head + "id: germany\nscope: {market: DE}\n",
            "austria.yaml": head + "id: austria\nscope: {market: AT}\n",
        }
    )
    assert [(error.file, error.line) for error in report.errors] == [("rules/odd.yaml", 2)]


_FILES = change_base()
_FEW = Sample((SUBMISSION,), (EverydayWord("house", "en"),))


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(_FILES)),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 0.2)),
    put=st.sampled_from([b"", b"\n", b"  ", b"'", b"{", b"&&", b"\xff", b": ", b"- ", b"&a *a", b"(", b"// ", b"7"]),
)
def test_no_damage_breaks_the_check(name: str, cut: tuple[float, float], put: bytes) -> None:
    """Whatever is cut out of a file or put into it, the check tells it, or finds it in order; it does not fail."""
    content = _FILES[name]
    start = int(cut[0] * len(content))
    damaged = content[:start] + put + content[start + int(cut[1] * len(content)) :]
    report = check_bundle({**_FILES, name: damaged}, _FEW, None, NOW)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in (*report.errors, *report.warnings))
