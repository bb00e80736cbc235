from datetime import timedelta

import pytest

from service.cli.block import name_block, parse_duration, read_value
from service.cli.running import CommandError
from tests.unit.release.signed import Writer, block


@pytest.mark.parametrize(
    ("text", "length"), [("90m", timedelta(hours=1.5)), ("48h", timedelta(2)), ("7d", timedelta(7))]
)
def test_a_block_lasts_for_minutes_hours_or_days(text: str, length: timedelta) -> None:
    """As it is written."""
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["0h", "soon", "48", "999d", "-1h", "1.5h", ""])
def test_a_block_without_a_good_end_is_refused(text: str) -> None:
    """It must end, and within a year."""
    with pytest.raises(CommandError, match="write '90m', '48h' or '7d', at most 366d"):
        parse_duration(text)


def test_a_block_is_named_after_its_value() -> None:
    """The same value is the same block, which it prolongs; another value with the same letters is another."""
    writer = Writer()
    assert name_block(writer.ledger, "host", "evil.example") == "host-evil.example"
    writer.write(block("host-evil.example", "evil.example"))
    assert name_block(writer.ledger, "host", "evil.example") == "host-evil.example"
    assert name_block(writer.ledger, "term", "Казино!") == "term"
    writer.write(block("term", "x.example"))
    assert name_block(writer.ledger, "term", "казино") == "term-2"
    assert len(name_block(writer.ledger, "text-hash", "a" * 64)) <= 64


def test_values_are_checked_as_lists_are() -> None:
    """A host in the form that addresses have, an id without blanks."""
    assert read_value("host", "Shop.Example") == "shop.example"
    assert read_value("advertiser", "adv-1") == "adv-1"
    for what, value in (("host", "https://a.example/"), ("term", "!"), ("advertiser", "two words")):
        with pytest.raises(CommandError):
            read_value(what, value)  # type: ignore[arg-type]
