"""Opens a bundle that the ledger puts on a channel: its records become files that are what the signed entry says."""

from collections.abc import Sequence

from service.release.approvals import check_guards
from service.release.ledger import Placed
from service.release.packing import unpack_bundle


def open_bundle(placed: Placed, chunks: Sequence[bytes]) -> dict[str, bytes]:
    """Return the bundle's files. Raises PackingError, or GuardsWrongError where the entry hides a guarded strategy.

    Takes some ten milliseconds a megabyte, more where strategies ask for several signatures.
    """
    files = unpack_bundle(placed.bundle, chunks)
    check_guards(placed.guards, files)
    return files
