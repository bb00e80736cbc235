import pytest

from service.release.ledger import Ledger
from service.release.undoing import find_previous, find_publication
from tests.unit.release.signed import ONE, THREE, TWO, Writer, publish


def write(*steps: tuple[str, bool]) -> Ledger:
    writer = Writer()
    for bundle, rollback in steps:
        writer.write(publish(bundle, rollback=rollback))
    return writer.ledger


@pytest.mark.parametrize(
    ("steps", "previous"),
    [
        ([], None),
        ([(ONE, False)], None),
        ([(ONE, False), (TWO, False)], ONE),
        ([(ONE, False), (TWO, False), (TWO, False)], ONE),
        ([(ONE, False), (TWO, False), (THREE, False), (TWO, True)], ONE),
        ([(ONE, False), (TWO, False), (ONE, True)], None),
        ([(ONE, False), (TWO, False), (ONE, True), (THREE, False)], ONE),
        ([(ONE, False), (TWO, False), (ONE, False)], TWO),
    ],
)
def test_a_rollback_goes_back_and_never_forth(steps: list[tuple[str, bool]], previous: str | None) -> None:
    """As an undo: a bundle that was rolled back from is not what is undone to."""
    found = find_previous(write(*steps))
    assert (found and found.bundle) == previous


def test_the_last_publication_of_a_bundle() -> None:
    """A rollback counts as one, since it says the same of the bundle."""
    ledger = write((ONE, False), (TWO, False), (ONE, True))
    found = find_publication(ledger, ONE)
    assert found is not None
    assert found.sequence == 3
    assert find_publication(ledger, THREE) is None
