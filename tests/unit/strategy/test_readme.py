"""The strategists' page, `deploy/strategies/README.md`: its example loads, its numbers are those of the code."""

import re

import pytest

from service.rules.facts import FACTS
from service.rules.regexes import MAX_PATTERN_CHARS
from service.shipped import shipped_path
from service.strategy import compile_bundle, read_folder
from service.strategy.files import MAX_BUNDLE_BYTES, MAX_ENTRIES, MAX_FILES, MAX_LIST_BYTES, MAX_YAML_BYTES
from service.strategy.layering import MAX_LAYERINGS
from service.strategy.rule_schema import HOST_FIELDS, TERM_FIELDS, Action

FOLDER = shipped_path("deploy/strategies")
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_example_is_a_strategy_of_this_bundle() -> None:
    """Somebody who copies it into a file has a strategy that loads, with its test."""
    example = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    files = read_folder(FOLDER)
    # The example takes the place of the strategy of the same scope.
    rest = {name: content for name, content in files.items() if name != "gambling-gb.yaml"}
    rest = {name: content for name, content in rest.items() if not name.startswith("tests/")}
    bundle = compile_bundle({**rest, "example.yaml": example.encode()})
    layer = next(layer for layer in bundle.layers if layer.id == "gambling-example")
    assert (layer.strategy.approvals, len(layer.rules) > 4) == (2, True)
    assert [test.name for test in bundle.tests if test.where.file == "example.yaml"] == ["an offer without a licence"]


@pytest.mark.parametrize(
    "numbers",
    [
        f"| {MAX_FILES:,} |",
        f"| {MAX_YAML_BYTES:,}, {MAX_LIST_BYTES:,}, {MAX_BUNDLE_BYTES:,} |",
        f"| {MAX_ENTRIES:,} |",
        f"| {MAX_PATTERN_CHARS:,} |",
        f"| {MAX_LAYERINGS:,} |",
    ],
)
def test_limits_are_those_of_the_code(numbers: str) -> None:
    """A limit that is told wrongly is found out at the worst time."""
    assert numbers in PAGE


@pytest.mark.parametrize("name", [*Action, *TERM_FIELDS, *HOST_FIELDS, *FACTS])
def test_every_name_that_can_be_written_is_told(name: str) -> None:
    """Actions, fields to look in, variables."""
    assert f"`{name}`" in PAGE
