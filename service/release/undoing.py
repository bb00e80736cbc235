"""Finds what a rollback goes back to: the bundle that was live before, as an editor's undo would find it."""

from service.contracts.ledger import Publish
from service.release.ledger import Ledger, Placed


def find_previous(ledger: Ledger) -> Placed | None:
    """Return the bundle that was live before the present one; None if there was none.

    A rollback takes back all that came after its bundle, so a second rollback goes further back, not forth again.
    """
    rollbacks = {one.entry.sequence for one in ledger.history if isinstance(one.entry, Publish) and one.entry.rollback}
    stack: list[Placed] = []
    for placed in ledger.lives:
        known = [place for place, one in enumerate(stack) if one.bundle == placed.bundle]
        if placed.sequence in rollbacks and known:
            del stack[known[-1] :]
        if not stack or stack[-1].bundle != placed.bundle:
            stack.append(placed)
    return stack[-2] if len(stack) > 1 else None


def find_publication(ledger: Ledger, bundle: str) -> Publish | None:
    """Return the last entry that published the bundle, on any channel."""
    entries = (one.entry for one in reversed(ledger.history))
    return next((entry for entry in entries if isinstance(entry, Publish) and entry.bundle == bundle), None)
