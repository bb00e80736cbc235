"""Overrides that change nothing."""

# ruff: noqa: E501 - a warning stands as it is read

from tests.unit.linting.conftest import Check

_HEAD = "owner: x\ndescription: y\n"
_GERMANY = _HEAD + "id: germany\nscope: {market: DE}\n"


def test_an_override_that_works_somewhere_is_none(check: Check) -> None:
    """The German gambling strategy repeats Germany's number, which the threshold between them had changed."""
    files = {
        "germany.yaml": _GERMANY + "thresholds:\n  gambling: {approve_below: 0.2}\n",
        "gambling.yaml": _HEAD
        + "id: gambling\nscope: {vertical: gambling, market: [DE, FR]}\nthresholds:\n  gambling: {approve_below: 0.4}\n",
    }
    report = check(files=files)
    assert [str(warning) for warning in report.warnings] == [
        "gambling.yaml:6:14: thresholds.gambling.approve_below is 0.4 without this line too; remove it, or change the number"
    ]


def test_switching_off_what_is_on_is_a_change(check: Check) -> None:
    """`enabled: false` works; `enabled: true` of what was never off does not."""
    off = "rules:\n  - id: casino-words\n    enabled: false\n"
    assert check(files={"germany.yaml": _GERMANY + off}).warnings == ()
    (warning,) = check(files={"germany.yaml": _GERMANY + off.replace("false", "true")}).warnings
    assert warning.what == "rule 'casino-words' says here what the broader strategy says anyway"
