"""The worker's port over real HTTP on loopback."""

import json
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from service.observability.health import HealthReport
from service.observability.metrics import Metrics
from service.worker.web import WebPortError, start_web

ALIVE = HealthReport(ok=True)
DEAD = HealthReport(ok=False, reasons=("partition 3 stands still",))


def judge_well() -> HealthReport:
    return ALIVE


def judge_badly() -> HealthReport:
    return DEAD


def fail_to_judge() -> HealthReport:
    raise RuntimeError("a secret of the inside")


async def serve(live: Callable[[], HealthReport], ready: Callable[[], HealthReport]) -> AsyncIterator[str]:
    runner = await start_web("127.0.0.1", 0, Metrics().render, live, ready)
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.fixture
async def well() -> AsyncIterator[str]:
    async for address in serve(judge_well, judge_well):
        yield address


@pytest.fixture
async def unwell() -> AsyncIterator[str]:
    async for address in serve(fail_to_judge, judge_badly):
        yield address


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_metrics_are_served_as_prometheus_text(client: aiohttp.ClientSession, well: str) -> None:
    """A scrape gets the text format with its version."""
    async with client.get(f"{well}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "sluice_submissions_total 0.0" in await answer.text()


async def test_a_good_verdict_is_200(client: aiohttp.ClientSession, well: str) -> None:
    """Both probes pass, with a JSON body that nobody caches."""
    for path in ("/healthz", "/readyz"):
        async with client.get(well + path) as answer:
            assert (answer.status, answer.content_type) == (200, "application/json")
            assert answer.headers["Cache-Control"] == "no-store"
            assert json.loads(await answer.text())["ok"] is True


async def test_a_bad_verdict_is_503_with_its_reasons(client: aiohttp.ClientSession, unwell: str) -> None:
    """The probe fails and the body says why."""
    async with client.get(f"{unwell}/readyz") as answer:
        assert answer.status == 503
        assert json.loads(await answer.text())["reasons"] == ["partition 3 stands still"]


async def test_a_judge_that_fails_is_500_without_its_secrets(client: aiohttp.ClientSession, unwell: str) -> None:
    """A fault of ours fails the probe, is not shown to the caller, and leaves the server running."""
    async with client.get(f"{unwell}/healthz") as answer:
        assert answer.status == 500
        assert "secret" not in await answer.text()
    async with client.get(f"{unwell}/metrics") as answer:
        assert answer.status == 200


async def test_head_is_answered_without_a_body(client: aiohttp.ClientSession, well: str) -> None:
    """Some load balancers ask with HEAD."""
    async with client.head(f"{well}/healthz") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(client: aiohttp.ClientSession, well: str, method: str) -> None:
    """The port only shows; it takes nothing."""
    async with client.request(method, f"{well}/metrics") as answer:
        assert answer.status == 405


@pytest.mark.parametrize("path", ["/", "/metrics/", "/../etc/passwd", "/healthz/x", "/debug", "/readyz%00"])
async def test_other_paths_are_not_there(client: aiohttp.ClientSession, well: str, path: str) -> None:
    """There is nothing else to find."""
    async with client.get(well + path) as answer:
        assert answer.status == 404


async def test_the_server_does_not_tell_its_versions(client: aiohttp.ClientSession, well: str) -> None:
    """Neither an answer nor a refusal names aiohttp or Python."""
    for path in ("/healthz", "/nothing"):
        async with client.get(well + path) as answer:
            assert answer.headers["Server"] == "sluice"


async def test_a_taken_port_is_explained_with_the_setting_that_moves_it() -> None:
    """Two workers on one host is the usual cause."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WebPortError, match=f"127.0.0.1:{port}: another process listens there; set SLUICE_WEB_PORT"):
            await start_web("127.0.0.1", port, Metrics().render, judge_well, judge_well)


@pytest.mark.parametrize(("host", "port"), [("203.0.113.77", 9464), ("127.0.0.1", 70_000)])
async def test_an_address_that_cannot_be_bound_names_both_settings(host: str, port: int) -> None:
    """A foreign address or an impossible port is a mistake in the settings."""
    with pytest.raises(WebPortError, match="check SLUICE_WEB_HOST and SLUICE_WEB_PORT"):
        await start_web(host, port, Metrics().render, judge_well, judge_well)
