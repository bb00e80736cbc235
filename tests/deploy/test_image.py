"""The Dockerfile's claims, as far as they can be shown without a container engine."""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
_, BUILDER, FINAL = DOCKERFILE.split("\nFROM ")


def test_both_stages_have_the_same_pinned_base() -> None:
    """An environment moves between stages only if its Python is the same; `latest` is never that."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases[0])


def test_the_final_stage_is_an_unprivileged_worker() -> None:
    """It runs nothing while it is built, and runs `sluice worker` under a number that is not root's."""
    assert "\nRUN " not in FINAL
    user = re.search(r"^USER (\d+):(\d+)$", FINAL, re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert 'ENTRYPOINT ["sluice"]\nCMD ["worker"]' in FINAL
    assert "STOPSIGNAL SIGTERM" in FINAL


def test_nothing_is_sent_to_anybody() -> None:
    """The image switches off the events that onnxruntime would send home."""
    assert re.search(r"^ENV .*\bORT_DISABLE_TELEMETRY=1\b", FINAL, re.MULTILINE)


def test_what_is_copied_is_sent_to_the_builder() -> None:
    """Each source of a COPY exists and is let through by .dockerignore, which lets through nothing else."""
    copied = {
        source for line in re.findall(r"^COPY (?!--from)(.+)$", BUILDER, re.MULTILINE) for source in line.split()[:-1]
    }
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == allowed
    assert [source for source in copied if not (ROOT / source).exists()] == []


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_follows_healthz(status: int, healthy: bool) -> None:  # noqa: FBT001 - a table
    """The image's own command succeeds on 200 and fails on 503."""
    asked = []

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    command = re.search(r"HEALTHCHECK .*?CMD (\[.+\])$", FINAL, re.MULTILINE)
    assert command is not None
    _, *arguments = json.loads(command[1])
    with http.server.HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        environment = {**os.environ, "SLUICE_WEB_PORT": str(server.server_port)}
        done = subprocess.run([sys.executable, *arguments], env=environment, check=False, capture_output=True)
    assert asked == ["/healthz"]
    assert (done.returncode == 0) is healthy


def test_hadolint_finds_nothing() -> None:
    """The Dockerfile is clean for the linter that `make check` runs."""
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
