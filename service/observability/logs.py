"""Sets up logs: one JSON object a line on stderr, for Sluice's own events and for those of faust, mode and aiokafka."""

import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

from service import __version__
from service.observability.redaction import render_error_without_texts, withhold_ad_texts
from service.observability.throttle import Throttle

# At the debug level these print requests and records byte for byte.
_CHATTY = ("aiokafka", "faust", "mode", "asyncio")
# A produce that meets the last transaction's markers is retried and told each time, as is a coordinator that is away;
# in an outage each client of each lane tells that it cannot connect, hundreds of times a second.
_REPETITIVE = (
    "aiokafka",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)


def configure_logs(
    level: str,
    form: Literal["json", "console"] = "json",
    *,
    log_ad_texts: bool = False,
    build: str = __version__,
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's events of `level` or above to `stream` (default: stderr).

    Each line has timestamp (UTC), level, event, logger and build. Unless `log_ad_texts`, values that may hold a text of
    an ad are withheld, and libraries log no lower than info. Replaces what was configured before, so call it again
    when the build is known more precisely. Raises ValueError for a level that does not exist.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"SLUICE_LOG_LEVEL: there is no level {level!r}; set debug, info, warning or error")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_build_formatter(form, build, log_ad_texts=log_ad_texts))
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name in _CHATTY:
        chatty = logging.getLogger(name)
        # mode installs handlers of its own; every line has to take the one way out
        chatty.handlers.clear()
        chatty.propagate = True
        chatty.setLevel(number if log_ad_texts else max(number, logging.INFO))
    for name in _REPETITIVE:
        repetitive = logging.getLogger(name)
        repetitive.filters[:] = [Throttle()]
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _build_formatter(form: str, build: str, *, log_ad_texts: bool) -> structlog.stdlib.ProcessorFormatter:
    def add_origin(_: object, __: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event["_record"]
        origin = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": event["event"],
            "logger": record.name,
            "build": build,
        }
        return {**origin, **event}

    quiet: list[Processor] = [render_error_without_texts, withhold_ad_texts]
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            add_origin,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if log_ad_texts else quiet),
            _RENDERERS[form],
        ],
    )


_RENDERERS: dict[str, Processor] = {
    "json": structlog.processors.JSONRenderer(default=repr),
    "console": structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
}
