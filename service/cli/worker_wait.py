"""Waits until every live worker runs by a ledger entry, shows how many do, and tells which did not and why."""

import asyncio
import time
from typing import Literal, NamedTuple

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.running import DONE, NOT_SO, err, out, show_safely
from service.contracts.worker_status import WorkerStatus
from service.release.envelope import name_refusal
from service.worker.status_watch import Heard, StatusBoard

_LOOK_EVERY_S = 0.05
_FIRST_REPORT_S = 3.0
"""Longer than the usual time between two reports: whoever lives has spoken by then, whatever our clocks say."""


class Wanted(NamedTuple):
    """What a worker has to say: that it has read this entry, and that `bundle` is on `channel` (None: no matter)."""

    sequence: int
    channel: Literal["live", "candidate"] | None = None
    bundle: str | None = None


class Verdict(NamedTuple):
    """Where a worker stands; `why` it refused, or what is to be told beside."""

    state: Literal["done", "waiting", "refused"]
    why: str = ""


def judge_worker(status: WorkerStatus, wanted: Wanted) -> Verdict:
    """Return whether the worker runs by what is wanted, refused it, or has not come to it yet."""
    shown = status.live if wanted.channel == "live" else status.candidate
    if status.sequence >= wanted.sequence and wanted.channel is not None and shown == wanted.bundle:
        return Verdict("done", status.candidate_off if wanted.channel == "candidate" else "")
    for refusal in status.refusals:
        # A record that only claimed this number, and does not count, says nothing about the entry itself.
        if refusal.sequence == wanted.sequence and not refusal.why.startswith(name_refusal(wanted.sequence)):
            return Verdict("refused", refusal.why)
    if status.sequence < wanted.sequence:
        latest = status.refusals[0].why if status.refusals else ""
        return Verdict("waiting", latest)
    # A later entry may have put another bundle in its place by now.
    return Verdict("done" if wanted.channel is None or status.sequence > wanted.sequence else "waiting")


async def wait_for_workers(board: StatusBoard, wanted: Wanted, timeout_s: float, since_s: float) -> int:
    """Return DONE once all live workers run by it, else NOT_SO after the time is up, or one refused; tells which.

    `since_s` is what `time.perf_counter` said when the entry was about to be written.
    """
    progress = Progress(
        TextColumn("workers that run by it"), BarColumn(), TextColumn("{task.completed} of {task.total}"),
        TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip
    with progress:
        task = progress.add_task("workers", total=None)
        while True:
            waited_s = time.perf_counter() - since_s
            alive = [(heard, judge_worker(heard.status, wanted)) for heard in board.list_alive(time.time())]
            waiting = [heard for heard, verdict in alive if verdict.state == "waiting"]
            done = sum(verdict.state == "done" for _, verdict in alive)
            progress.update(task, completed=done, total=len(alive) or None)
            settled = not waiting and (alive or waited_s >= _FIRST_REPORT_S)
            if settled or waited_s >= timeout_s:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
    return tell_result(alive, waited_s)


def tell_result(alive: list[tuple[Heard, Verdict]], waited_s: float) -> int:
    """Print what became of it and return the exit status."""
    if not alive:
        out.print("No worker reports at present; the next one that starts will run by it.")
        return DONE
    done = sum(verdict.state == "done" for _, verdict in alive)
    out.print(f"{done} of {len(alive)} live workers run by it after {waited_s:.1f} s.")
    for heard, verdict in alive:
        name = show_safely(heard.status.worker)
        if verdict.state == "refused":
            out.print(f"  {name} refused it: {show_safely(verdict.why)}")
        elif verdict.state == "waiting":
            at = f"it reported {heard.age_s:.0f} s ago, at entry {heard.status.sequence}"
            hint = f"; what it refused last: {show_safely(verdict.why)}" if verdict.why else "; look at its log"
            out.print(f"  {name} does not ({at}){hint}")
        elif verdict.why:
            out.print(f"  {name} has the candidate switched off: {show_safely(verdict.why)}")
    return DONE if done == len(alive) else NOT_SO
