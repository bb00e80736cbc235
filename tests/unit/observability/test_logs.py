"""The logs: one JSON object a line from every library, without texts of ads unless asked for."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import structlog

from service import __version__
from service.contracts.examples import DECISION, REVIEW_TASK, SUBMISSION
from service.contracts.submission import Creative
from service.observability.logs import configure_logs
from service.observability.redaction import WITHHELD

SECRET = "buy these secret pills"  # noqa: S105 - the text of an ad
ReadLines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Yield where logs go, and put back what was configured before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
    for name in ("aiokafka", "faust", "mode", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def read_lines(stream: io.StringIO) -> ReadLines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_origin(stream: io.StringIO, read_lines: ReadLines) -> None:
    """Timestamp in UTC, level, event, logger and build come first; then the event's own fields."""
    configure_logs("info", build="0.1.0+b7", stream=stream)
    structlog.get_logger("service.worker.run").info("ready", partitions=3)
    (line,) = read_lines()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "level": "info",
        "event": "ready",
        "logger": "service.worker.run",
        "build": "0.1.0+b7",
        "partitions": 3,
    }


@pytest.mark.parametrize("name", ["faust.worker", "aiokafka.consumer.group_coordinator", "mode", "anything"])
def test_libraries_take_the_same_way_out(stream: io.StringIO, read_lines: ReadLines, name: str) -> None:
    """The standard library's records become the same lines, even of a logger that had a handler of its own."""
    logging.getLogger("mode").addHandler(logging.NullHandler())
    configure_logs("info", stream=stream)
    logging.getLogger(name).warning("joined %s as %d", "group", 7)
    (line,) = read_lines()
    assert (line["event"], line["level"], line["logger"], line["build"]) == (
        "joined group as 7",
        "warning",
        name,
        __version__,
    )


def test_a_level_silences_what_is_below_it(stream: io.StringIO, read_lines: ReadLines) -> None:
    """Warning is logged, info is not, for structlog and the standard library alike."""
    configure_logs("warning", stream=stream)
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    structlog.get_logger("a").warning("yes")
    logging.getLogger("b").warning("yes")
    assert [line["event"] for line in read_lines()] == ["yes", "yes"]


def test_an_unknown_level_is_refused_with_the_setting_s_name(stream: io.StringIO) -> None:
    """A mistyped level must not fall back to something."""
    with pytest.raises(ValueError, match="SLUICE_LOG_LEVEL: there is no level 'loud'; set debug, info"):
        configure_logs("loud", stream=stream)


def test_libraries_stay_at_info_unless_ad_texts_may_be_logged(stream: io.StringIO, read_lines: ReadLines) -> None:
    """Aiokafka prints whole records at the debug level."""
    configure_logs("debug", stream=stream)
    logging.getLogger("aiokafka.conn").debug(SECRET)
    assert read_lines() == []
    configure_logs("debug", log_ad_texts=True, stream=stream)
    logging.getLogger("aiokafka.conn").debug(SECRET)
    assert [line["event"] for line in read_lines()] == [SECRET]


def test_a_warning_of_python_is_a_line_too(stream: io.StringIO, read_lines: ReadLines) -> None:
    """Nothing but JSON reaches the stream."""
    configure_logs("info", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("this will go away", DeprecationWarning, stacklevel=1)
    assert "this will go away" in read_lines()[-1]["event"]


@dataclass
class Record:
    """Something of a library, whose text would show all it holds."""

    content: str


HOLDERS = [
    pytest.param({"text": SECRET}, id="by key"),
    pytest.param({"creative": {"headline": SECRET}}, id="a creative"),
    pytest.param({"fields": {"a": [{"body": SECRET}]}}, id="deep inside"),
    pytest.param({"submission": SUBMISSION}, id="a submission by key"),
    pytest.param({"found": SUBMISSION.model_copy(update={"creative": Creative(body=SECRET)})}, id="by type"),
    pytest.param({"found": [REVIEW_TASK, DECISION]}, id="models in a list"),
    pytest.param({"found": SECRET.encode()}, id="bytes"),
    pytest.param({"found": (1, bytearray(SECRET.encode()))}, id="bytes in a tuple"),
    pytest.param({"found": Record(SECRET)}, id="a dataclass"),
    pytest.param({"a": {"b": {"c": {"d": {"e": {"f": {"g": SECRET}}}}}}}, id="deeper than anybody looks"),
]


@pytest.mark.parametrize("fields", HOLDERS)
def test_texts_of_ads_are_withheld(stream: io.StringIO, fields: dict[str, Any]) -> None:
    """By key, by type and at any depth; the line says how to see them."""
    configure_logs("info", stream=stream)
    structlog.get_logger("service").info("decided", ad_id="ad-1", **fields)
    logged = stream.getvalue()
    assert SECRET not in logged
    assert "C a s i n o" not in logged
    assert "SLUICE_LOG_AD_TEXTS" in logged
    assert json.loads(logged)["ad_id"] == "ad-1"


def test_texts_are_logged_when_asked_for(stream: io.StringIO, read_lines: ReadLines) -> None:
    """With the setting, a text is there as it is."""
    configure_logs("info", log_ad_texts=True, stream=stream)
    structlog.get_logger("service").info("decided", text=SECRET)
    assert read_lines()[0]["text"] == SECRET


def test_other_values_pass_as_they_are(stream: io.StringIO, read_lines: ReadLines) -> None:
    """Numbers, names, lists and mappings without texts stay readable; what is not JSON becomes its repr."""
    configure_logs("info", stream=stream)
    structlog.get_logger("service").info("x", lag={0: 5}, topics=["a", "b"], share=0.5, nothing=None, kind=int)
    line = read_lines()[0]
    assert (line["lag"], line["topics"], line["share"], line["nothing"]) == ({"0": 5}, ["a", "b"], 0.5, None)
    assert line["kind"] == "<class 'int'>"


def fail_in(module: str, message: str) -> None:
    """Raise KeyError(message) as a function of `module` would."""
    namespace: dict[str, Any] = {"__name__": module}
    exec("def score(text):\n    raise KeyError(text)", namespace)  # noqa: S102 - only this gives a frame its module
    namespace["score"](message)


def log_failure(module: str, message: str) -> None:
    try:
        try:
            fail_in(module, message)
        except KeyError as error:
            raise RuntimeError(f"the chunk failed: {error}") from error
    except RuntimeError:
        structlog.get_logger("service").exception("chunk_failed")


def test_an_error_from_the_scoring_of_ads_loses_its_message_but_not_its_trace(
    stream: io.StringIO, read_lines: ReadLines
) -> None:
    """What failed may quote the ad, and so may whoever wraps it; where it failed is still told."""
    configure_logs("info", stream=stream)
    log_failure("service.moderate", SECRET)
    (line,) = read_lines()
    assert SECRET not in stream.getvalue()
    assert f"RuntimeError: {WITHHELD}" in line["exception"]
    assert f"KeyError: {WITHHELD}" in line["exception"]
    assert "in score" in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_an_error_from_elsewhere_keeps_its_message(stream: io.StringIO, read_lines: ReadLines) -> None:
    """A broker's complaint is what an operator needs."""
    configure_logs("info", stream=stream)
    log_failure("service.worker.connection", "no route to broker-2")
    assert "RuntimeError: the chunk failed: 'no route to broker-2'" in read_lines()[0]["exception"]


def test_a_validation_error_loses_its_message(stream: io.StringIO) -> None:
    """Pydantic quotes the input."""
    configure_logs("info", stream=stream)
    try:
        Creative.model_validate({"headline": [SECRET]})
    except ValueError as error:
        structlog.get_logger("service").error("bad", exc_info=error, error=error)
    assert SECRET not in stream.getvalue()
    assert "pydantic_core._pydantic_core.ValidationError: [withheld" in stream.getvalue()


def test_errors_that_came_from_each_other_are_told_once(stream: io.StringIO, read_lines: ReadLines) -> None:
    """A chain that ends in itself does not hang the logger."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    configure_logs("info", stream=stream)
    logging.getLogger("x").error("loop", exc_info=first)
    assert read_lines()[0]["exception"].count("ValueError: first") == 1


def test_a_person_may_have_text_instead_of_json(stream: io.StringIO) -> None:
    """The console form withholds texts too, and shows the traceback."""
    configure_logs("info", "console", stream=stream)
    log_failure("service.moderate", SECRET)
    structlog.get_logger("service").info("decided", text=SECRET)
    shown = stream.getvalue()
    assert SECRET not in shown
    assert "chunk_failed" in shown
    assert "Traceback" in shown
    with pytest.raises(json.JSONDecodeError):
        json.loads(shown)
