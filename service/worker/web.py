"""The worker's one port: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts and routes."""

import errno
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from service.observability.health import HealthReport

Judge = Callable[[], HealthReport]
RenderMetrics = Callable[[], tuple[bytes, str]]


class WebPortError(OSError):
    """The port cannot be listened on; the message names the settings that move it."""


async def start_web(
    host: str, port: int, render_metrics: RenderMetrics, judge_live: Judge, judge_ready: Judge
) -> web.AppRunner:
    """Serve until the returned runner's `cleanup()` is awaited; `runner.addresses` tells the port when it was 0.

    Only GET and HEAD of the three paths are answered. The callables run on the event loop and must not block.
    Raises WebPortError when the address cannot be bound.
    """
    runner = web.AppRunner(
        _build_app(render_metrics, judge_live, judge_ready), access_log=None, handle_signals=False, shutdown_timeout=2.0
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        raise _explain(host, port, error) from error
    return runner


def _build_app(render_metrics: RenderMetrics, judge_live: Judge, judge_ready: Judge) -> web.Application:
    async def show_metrics(_: web.Request) -> web.Response:
        body, content_type = render_metrics()
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def show_liveness(_: web.Request) -> web.Response:
        return _answer(judge_live())

    async def show_readiness(_: web.Request) -> web.Response:
        return _answer(judge_ready())

    app = web.Application(client_max_size=1_024)
    app.add_routes(
        [web.get("/metrics", show_metrics), web.get("/healthz", show_liveness), web.get("/readyz", show_readiness)]
    )
    app.on_response_prepare.append(_hide_server)
    return app


def _answer(report: HealthReport) -> web.Response:
    status = HTTPStatus.OK if report.ok else HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=report.render(), status=status, content_type="application/json", headers=headers)


async def _hide_server(_: web.Request, response: web.StreamResponse) -> None:
    # aiohttp would tell anybody its own and Python's version
    response.headers["Server"] = "sluice"


def _explain(host: str, port: int, error: Exception) -> WebPortError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        why = "another process listens there; set SLUICE_WEB_PORT to a free port (two workers on one host need two)"
    elif isinstance(error, OSError) and error.errno == errno.EACCES:
        why = "the port needs privileges; set SLUICE_WEB_PORT to one above 1023"
    else:
        why = f"{error}; check SLUICE_WEB_HOST and SLUICE_WEB_PORT"
    return WebPortError(f"cannot serve metrics and health on {host}:{port}: {why}")
