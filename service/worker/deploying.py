"""Turns the ledger's state, and the bundles that this worker could prepare, into what is in force. No Kafka here.

A bundle that is refused here does not decide: the one that was live before it goes on, also after a restart.
"""

from collections import deque
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from service.answer import LiveBundle
from service.contracts.control import Halt
from service.contracts.ledger import Block
from service.contracts.worker_status import Refusal
from service.deployment import Deployment
from service.release.blocks import NO_BLOCKS, BlockError, Blocks
from service.release.ledger import Ledger, Placed
from service.release.rollout import Rollout, read_rollout

_REFUSALS_KEPT = 20
_LONGEST_WHY = 4_000


class Lost(NamedTuple):
    """Why a ledger that was read does not follow the one that is in force."""

    why: str


class Standing:
    """Everything that decides which deployment is due; changed by the event loop alone."""

    def __init__(self, image: LiveBundle | None) -> None:
        self.ledger = Ledger()
        self.refusals: deque[Refusal] = deque(maxlen=_REFUSALS_KEPT)
        self._image = image
        self._image_allowed = False
        self._prepared: dict[str, LiveBundle] = {}
        self._unfit: set[tuple[str, int]] = set()  # bundle and entry: published anew, it is tried anew
        self._halts: dict[str, Halt] = {}
        self._blocks: tuple[dict[str, Block], Blocks] = {}, NO_BLOCKS
        self._bad_blocks: list[tuple[int, str]] = []

    def take(self, ledger: Ledger) -> Lost | None:
        """Follow the ledger; returns why not, if it has lost entries that were in force."""
        known = self.ledger
        if ledger.history[: known.sequence] != known.history:
            text = f"the topic holds {ledger.sequence} entries that do not continue the {known.sequence} in force"
            return Lost(f"{text}; somebody deleted or rewrote entries: restore the topic")
        self.ledger = ledger
        return None

    def allow_image(self) -> None:
        """Let the bundle of the image decide until another is ready."""
        self._image_allowed = True

    def find_unprepared(self) -> Placed | None:
        """Return a bundle that is due and not ready, the live one first; None if all are ready or refused."""
        for placed in (self._due_live(), self._due_candidate()):
            if placed is not None and placed.bundle not in self._prepared:
                if self._image is None or self._image.strategies.sha256 != placed.bundle:
                    return placed
                self._prepared[placed.bundle] = self._image
        return None

    def add(self, placed: Placed, bundle: LiveBundle) -> None:
        """Keep a bundle that was prepared."""
        self._prepared[placed.bundle] = bundle

    def refuse_bundle(self, placed: Placed, why: str) -> bool:
        """Note that a bundle cannot decide here, and try it no more until another entry places it."""
        self._unfit.add((placed.bundle, placed.sequence))
        return self.refuse(placed.sequence, placed.bundle, why)

    def refuse(self, sequence: int, bundle: str | None, why: str) -> bool:
        """Note what was refused, a ledger entry or a bundle; returns whether that is news."""
        if any((one.sequence, one.why) == (sequence, why[:_LONGEST_WHY]) for one in self.refusals):
            return False
        refusal = Refusal(sequence=sequence, bundle=bundle, why=why[:_LONGEST_WHY], at=datetime.now(UTC))
        self.refusals.appendleft(refusal)
        return True

    def halt(self, record: Halt) -> bool:
        """Remember that a rollout is stopped until a later entry sets it anew; returns whether that is news."""
        known = self._halts.get(record.rollout)
        if known is not None and known.sequence >= record.sequence:
            return False
        self._halts[record.rollout] = record
        return True

    def find_halt(self) -> Halt | None:
        """Return what stops the rollout that the ledger wants; None if nothing does, or there is none."""
        entry = self.ledger.rollout
        halt = self._halts.get(entry.rollout) if entry is not None else None
        return halt if halt is not None and entry is not None and halt.sequence >= entry.sequence else None

    def deploy(self, current: Deployment | None) -> Deployment | None:
        """Return what has to be in force now; None if nothing may decide yet."""
        found = self._choose_live(current)
        if found is None:
            return None
        live, source = found
        candidate = self._choose_candidate()
        rollout = self._choose_rollout() if candidate is not None else None
        self._forget({live.strategies.sha256, candidate.strategies.sha256 if candidate else ""})
        return Deployment(live, candidate, rollout, self._read_blocks(), self.ledger.sequence, source)

    def take_bad_blocks(self) -> list[tuple[int, str]]:
        """Return the blocks that the last `deploy` met first and could not use: (entry, why)."""
        bad, self._bad_blocks = self._bad_blocks, []
        return bad

    @property
    def settled_sequence(self) -> int:
        """The last entry that is in force or refused here, whatever is still being prepared."""
        waiting = self.find_unprepared()
        return self.ledger.sequence if waiting is None else waiting.sequence - 1

    def _due_live(self) -> Placed | None:
        return next((one for one in reversed(self.ledger.lives) if (one.bundle, one.sequence) not in self._unfit), None)

    def _due_candidate(self) -> Placed | None:
        placed = self.ledger.candidate
        if placed is None or (placed.bundle, placed.sequence) in self._unfit:
            return None
        return placed

    def _choose_live(self, current: Deployment | None) -> tuple[LiveBundle, Literal["topic", "image"]] | None:
        due = self._due_live()
        if due is not None and due.bundle in self._prepared:
            return self._prepared[due.bundle], "topic"
        if current is not None:
            return current.live, current.source
        return (self._image, "image") if self._image_allowed and self._image is not None else None

    def _choose_candidate(self) -> LiveBundle | None:
        due = self._due_candidate()
        return self._prepared.get(due.bundle) if due is not None else None

    def _choose_rollout(self) -> Rollout | None:
        entry = self.ledger.rollout
        return read_rollout(entry) if entry is not None and self.find_halt() is None else None

    def _read_blocks(self) -> Blocks:
        known, blocks = self._blocks
        wanted = dict(self.ledger.blocks)
        if known != wanted:
            blocks = Blocks(block for block in wanted.values() if self._is_usable(block))
            self._blocks = wanted, blocks
        return blocks

    def _is_usable(self, block: Block) -> bool:
        try:
            Blocks([block])
        except BlockError as error:
            # One that cannot be looked for must not take the others with it.
            why = f"block '{block.block}': {error}"
            if self.refuse(block.sequence, None, why):
                self._bad_blocks.append((block.sequence, why))
            return False
        return True

    def _forget(self, needed: set[str]) -> None:
        due = {placed.bundle for placed in (self._due_live(), self._due_candidate()) if placed is not None}
        self._prepared = {sha256: one for sha256, one in self._prepared.items() if sha256 in needed | due}
        if self._image is not None and self._prepared and self._image.strategies.sha256 not in needed:
            self._image = None  # its memory; a worker never goes back to it while it runs
