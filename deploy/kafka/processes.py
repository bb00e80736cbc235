"""Ends processes by their number, after looking that the number still belongs to the process that was meant."""

import os
import signal
import subprocess
import time
from pathlib import Path

_POLL_S = 0.02
_PROC = Path("/proc")


def command_of(pid: int) -> str:
    """Return the command line of process `pid`; empty if there is no such process."""
    if not _has_proc():
        return _ps("args=", pid)
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Return whether process `pid` still holds anything, such as a port; a zombie holds nothing.

    Its command line is no sign: it is gone before the process's sockets are.
    """
    if not _has_proc():
        return _ps("stat=", pid)[:1] not in ("", "Z")
    process = _PROC / str(pid)
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        # the first thread of a killed Java is a zombie while the others still end
        return state not in ("Z", "X") or len(list((process / "task").iterdir())) > 1
    except OSError:
        return False


def end_process(pid: int, mark: str, grace_s: float = 30.0) -> None:
    """End process `pid` if `mark` is in its command line: SIGTERM, SIGKILL after `grace_s`. Blocks until it is gone.

    The mark guards against a number that the system has since given to another process.
    """
    if mark not in command_of(pid):
        return
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
        if is_alive(pid):
            os.kill(pid, number)
        until = time.monotonic() + wait_s
        while is_alive(pid) and time.monotonic() < until:
            time.sleep(_POLL_S)


def _has_proc() -> bool:
    return (_PROC / "self").exists()  # slim Debian images have no `ps`, other systems have no /proc


def _ps(column: str, pid: int) -> str:
    command = ["ps", "-ww", "-o", column, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
