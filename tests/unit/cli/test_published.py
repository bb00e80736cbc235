from pathlib import Path

import pytest

from service.cli.published import find_hash, read_bundle_folder, read_shared
from service.cli.running import CommandError
from service.cli.strategy_rollout import choose_target, parse_scope
from service.contracts.ledger import RolloutScope
from tests.unit.release.signed import ONE, THREE, TWO, Writer, publish

STORED = "f" * 64


@pytest.fixture
def writer() -> Writer:
    """Return who has published 1 and then 2 live, and 3 as candidate."""
    writer = Writer()
    writer.write(publish(ONE))
    writer.write(publish(TWO))
    writer.write(publish(THREE, "candidate"))
    return writer


@pytest.mark.parametrize(
    ("name", "found"),
    [("live", TWO), ("candidate", THREE), ("v1", ONE), ("222222", TWO), (ONE, ONE), ("ffffff", STORED)],
)
def test_a_bundle_is_found_by_what_people_call_it(writer: Writer, name: str, found: str) -> None:
    """Channel, version, start of its hash; also one that was stored and never published."""
    assert find_hash(writer.ledger, name, [STORED]) == found


def test_a_name_that_means_none_or_several_is_told(writer: Writer) -> None:
    """With what to write instead."""
    for name, told in (("v9", "'v9' is no bundle"), ("11111", "is no bundle"), ("eeeeee", "at least 6 digits")):
        with pytest.raises(CommandError, match=told):
            find_hash(writer.ledger, name)
    with pytest.raises(CommandError, match="means several bundles: 222222222222, 222222222222"):
        find_hash(writer.ledger, "222222", ["2" * 63 + "3"])
    with pytest.raises(CommandError, match="there is no live bundle"):
        find_hash(Writer().ledger, "live")


def test_a_rollback_goes_to_what_was_live(writer: Writer) -> None:
    """By default to the one before; never to a candidate."""
    assert choose_target(writer.ledger, None).bundle == ONE
    assert choose_target(writer.ledger, "v1").bundle == ONE
    with pytest.raises(CommandError, match="was never live; publish it instead"):
        choose_target(writer.ledger, "v3")
    with pytest.raises(CommandError, match="nothing was live before"):
        choose_target(Writer().ledger, None)


def test_a_rollouts_scope() -> None:
    """Dimensions in any order, several values each."""
    assert parse_scope("market=GB, vertical=gambling,market=FR") == RolloutScope(
        markets=("GB", "FR"), verticals=("gambling",)
    )
    for text, told in (("GB", "--scope 'GB': write market=GB"), ("market=gb", "--scope markets: 'gb' is not an ISO")):
        with pytest.raises(CommandError, match=told):
            parse_scope(text)


def test_a_folder_that_is_no_bundle_is_told(tmp_path: Path) -> None:
    """As one error of the command."""
    with pytest.raises(CommandError, match="is no folder"):
        read_bundle_folder(tmp_path / "nowhere")
    with pytest.raises(CommandError, match=r"bundle\.yaml cannot be read"):
        read_shared({"bundle.yaml": b"version: 1\n"})
