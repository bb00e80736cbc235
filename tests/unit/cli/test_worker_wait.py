from datetime import UTC, datetime
from typing import Literal

import pytest

from service.cli.worker_wait import Verdict, Wanted, judge_worker, tell_result
from service.contracts.worker_status import Refusal, WorkerStatus
from service.worker.status_watch import Heard, StatusBoard
from tests.consumed import Consumed

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ONE, TWO = "1" * 64, "2" * 64


def status(sequence: int, live: str | None = ONE, candidate: str | None = None, **fields: object) -> WorkerStatus:
    told = {"worker": "w:1", "group": "g", "build": "1", "at": NOW, "state": "running", "source": "topic"}
    return WorkerStatus.model_validate({**told, "sequence": sequence, "live": live, "candidate": candidate, **fields})


REFUSAL = Refusal(sequence=7, bundle=TWO, why="its tests fail", at=NOW)
FOREIGN = Refusal(sequence=7, bundle=None, why="entry 7: not signed", at=NOW)


@pytest.mark.parametrize(
    ("said", "wanted", "state"),
    [
        (status(6), Wanted(7), "waiting"),
        (status(7), Wanted(7), "done"),
        (status(7, ONE), Wanted(7, "live", TWO), "waiting"),
        (status(7, TWO), Wanted(7, "live", TWO), "done"),
        (status(6, TWO), Wanted(7, "live", TWO), "waiting"),
        (status(8, ONE), Wanted(7, "live", TWO), "done"),
        (status(7, ONE, TWO), Wanted(7, "candidate", TWO), "done"),
        (status(7, ONE), Wanted(7, "candidate", TWO), "waiting"),
        (status(7, refusals=(REFUSAL,)), Wanted(7, "live", TWO), "refused"),
        (status(9, refusals=(REFUSAL,)), Wanted(8, "live", TWO), "done"),
        (status(7, TWO, refusals=(REFUSAL,)), Wanted(7, "live", TWO), "done"),
        (status(7, refusals=(FOREIGN,)), Wanted(7), "done"),
        (status(6, refusals=(FOREIGN,)), Wanted(7), "waiting"),
    ],
)
def test_a_worker_has_come_to_an_entry_or_not(
    said: WorkerStatus, wanted: Wanted, state: Literal["done", "waiting", "refused"]
) -> None:
    """By the entry that it has read and the bundle that it shows; a refusal is about its own entry only."""
    assert judge_worker(said, wanted).state == state


def test_a_candidate_that_is_switched_off_is_told() -> None:
    """It is on its channel, so the wait ends, but nobody should believe that it is evaluated."""
    found = judge_worker(status(7, ONE, TWO, candidate_off="too slow"), Wanted(7, "candidate", TWO))
    assert found == Verdict("done", "too slow")


def test_the_result_names_who_did_not(capsys: pytest.CaptureFixture[str]) -> None:
    """And what a worker wrote does not steer the terminal."""
    heard = Heard(status(6), 3.2)
    assert tell_result([(heard, Verdict("done")), (heard, Verdict("refused", "bad\x1b[2J"))], 1.25) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 live workers run by it after 1.2 s.",
        "  w:1 refused it: bad\\x1b[2J",
    ]
    late = (heard, Verdict("waiting", "entry 7: not signed"))
    assert tell_result([late, (heard, Verdict("waiting"))], 60.0) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  w:1 does not (it reported 3 s ago, at entry 6); what it refused last: entry 7: not signed",
        "  w:1 does not (it reported 3 s ago, at entry 6); look at its log",
    ]
    assert tell_result([], 3.0) == 0
    assert "No worker reports at present" in capsys.readouterr().out


def record(worker: str, at_s: float, value: bytes | None = None) -> Consumed:
    return Consumed("status", 0, 0, int(at_s * 1_000), worker.encode(), value)


def test_who_reports_is_alive() -> None:
    """By the record's time, or because it came in just now; a tombstone takes it off, noise changes nothing."""
    board, said = StatusBoard(10.0), status(6).model_dump_json().encode()
    board.take(record("old", 80, said), 100.0, fresh=False)
    board.take(record("new", 95, said), 100.0, fresh=False)
    board.take(record("skewed", 10, said), 100.0, fresh=True)
    board.take(record("new", 96, b"{"), 100.0, fresh=True)
    assert sorted(round(one.age_s) for one in board.list_all(100.0)) == [0, 5, 20]
    assert len(board.list_alive(100.0)) == 2
    board.take(record("new", 97), 100.0, fresh=True)
    assert len(board.list_alive(100.0)) == 1
