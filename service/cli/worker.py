"""`sluice worker`: run a worker until SIGTERM."""

import logging
import os
import sys

import structlog
import uvloop

from service import __version__
from service.bootstrap import DeploymentError, load_worker
from service.observability.logs import configure_logs
from service.settings import load_settings
from service.worker.collector import spare_loaded
from service.worker.run import EXIT_FAILED, EXIT_MISDEPLOYED, run_worker


def work() -> None:
    """Moderate ads from the submissions topic until SIGTERM; configured by SLUICE_ variables (`sluice settings`)."""
    settings = load_settings()
    configure_logs(
        settings.log_level,
        build=settings.build_id or __version__,
        form=settings.log_format,
        log_ad_texts=settings.log_ad_texts,
    )
    log = structlog.get_logger(__name__)
    try:
        loaded = load_worker(settings)
    except DeploymentError as error:
        for line in str(error).splitlines():
            log.error("deployment", message=line)  # noqa: TRY400 - the message is for whoever deploys
        sys.exit(EXIT_MISDEPLOYED)
    spare_loaded()
    log.info("starting", version=__version__, image=loaded.build, delivery=settings.delivery)
    code = uvloop.run(run_worker(settings, loaded))
    if code == EXIT_FAILED:
        # Threads of a failed client may hang; whoever supervises the worker should not have to wait for them.
        logging.shutdown()
        os._exit(code)
    sys.exit(code)
