import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from service.answer import LiveBundle
from service.release.ledger import Placed
from service.release.packing import PackedBundle, PackingError, pack_bundle
from service.strategy import BundleFiles, Problem, StrategyError
from service.worker.preparing import BundleRefusedError, Prepare, Preparer
from tests.unit.release.signed import AT, guard
from tests.unit.worker.standing import make_bundle

FILES = {"bundle.yaml": b"version: 1", "default.yaml": b"id: default"}
PACKED = pack_bundle(FILES)


class Chunks:
    """A topic that holds these records, or says what is wrong."""

    def __init__(self, chunks: Sequence[bytes] = PACKED.chunks, error: Exception | None = None) -> None:
        self.chunks, self.error = chunks, error

    async def read_chunks(self, sha256: str) -> list[bytes]:
        assert sha256 == PACKED.sha256
        if self.error is not None:
            raise self.error
        return list(self.chunks)


def compile_fine(files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:
    assert (files, reuse) == (FILES, None)
    return make_bundle(PACKED.sha256)


def fail_with(error: Exception) -> Prepare:
    def fail(files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:
        raise error

    return fail


def place(packed: PackedBundle = PACKED, **changes: object) -> Placed:
    placed = Placed(packed.sha256, "1", len(packed.chunks), {}, 1, AT, AT)
    return placed._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def _turns() -> Iterator[None]:
    """Fail if the interpreter's switch interval is another one afterwards."""
    usual_s = sys.getswitchinterval()
    yield
    assert sys.getswitchinterval() == usual_s


async def prepare(chunks: Chunks, how: Prepare, placed: Placed | None = None) -> LiveBundle:
    preparer = Preparer(how)
    try:
        return await preparer.make_ready(chunks, placed or place(), None)
    finally:
        preparer.close()


@pytest.mark.usefixtures("_turns")
async def test_a_sound_bundle_is_made_ready() -> None:
    """Its files come out of its records and are compiled."""
    assert (await prepare(Chunks(), compile_fine)).strategies.sha256 == PACKED.sha256


@pytest.mark.parametrize(
    ("chunks", "how", "words"),
    [
        (Chunks(error=PackingError("it is not in ads.strategies")), compile_fine, "it is not in ads.strategies"),
        (Chunks([PACKED.chunks[0][:-1]]), compile_fine, "was changed or cut"),
        (Chunks(), fail_with(StrategyError([Problem("a.yaml", 3, 1, "bad", "mend")])), "a.yaml:3:1: bad; mend"),
        (Chunks(), fail_with(BundleRefusedError("2 of its 9 tests fail")), "2 of its 9 tests fail"),
        (Chunks(), fail_with(RecursionError("deep")), "it cannot be prepared: RecursionError: deep"),
        (Chunks(), fail_with(MemoryError()), "it cannot be prepared: MemoryError"),
    ],
)
@pytest.mark.usefixtures("_turns")
async def test_whatever_is_wrong_is_a_refusal_with_the_why(chunks: Chunks, how: Prepare, words: str) -> None:
    """No bundle can take the worker down."""
    with pytest.raises(BundleRefusedError) as caught:
        await prepare(chunks, how)
    assert words in str(caught.value)


async def test_an_entry_that_hides_who_has_to_sign_is_refused() -> None:
    """The files say which strategies need two people; an entry that says otherwise was forged by its one author."""
    with pytest.raises(BundleRefusedError, match="does not say truly"):
        await prepare(Chunks(), compile_fine, place(guards={"default": guard(2)}))


async def test_its_tests_are_run_as_of_its_publication() -> None:
    """A worker that starts later, or after a promotion, must not find wrong what the others decide by."""
    asked: list[datetime] = []

    def note(files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:
        asked.append(published_at)
        return compile_fine(files, reuse, published_at)

    await prepare(Chunks(), note, place(at=AT + timedelta(days=2), published_at=AT + timedelta(days=1)))
    assert asked == [AT + timedelta(days=1)]


async def test_an_outage_is_no_refusal() -> None:
    """The bundle is tried again when the topic answers."""
    with pytest.raises(ConnectionError):
        await prepare(Chunks(error=ConnectionError("no broker")), compile_fine)
