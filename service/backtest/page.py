"""Writes a report as one HTML page that needs nothing else: no request leaves it, and what an ad says stays text.

The page's own policy (CSP) allows its style and its script by their hashes, and nothing more. Without the script the
page shows all the same; the script only sorts and filters tables.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from service.backtest import wording
from service.backtest.figures import Change
from service.backtest.flow_picture import WIDTH, draw_flow
from service.backtest.forest_picture import Forest, draw_changes, draw_shares
from service.backtest.report import Report

_PACKAGE, _FOLDER = "service.backtest", "templates"


def write_page(report: Report) -> str:
    """Return the page."""
    style, script = _read("report.css"), _read("report.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(style),  # noqa: S704 - files of this package
            script=Markup(script),  # noqa: S704
            policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'",
            flow=draw_flow(report),
            forests=_draw_forests(report),
            width=WIDTH,
            measures=wording.MEASURES,
        )
    )


def _draw_forests(report: Report) -> list[tuple[str, str, Forest]]:
    """Return titles, units and pictures of the slices: those of overkill and leakage where there are verdicts."""
    slices = (report.overall, *report.slices)
    drawn = []
    for measure in ("overkilled_of_clean", "leaked_of_violating", "rejected", "reviewed"):
        title = wording.MEASURES[measure]
        if report.baseline is not None:
            forest, unit = draw_changes(slices, measure), "change in percentage points"
        else:
            forest, unit = draw_shares(slices, measure), "per cent"
        if forest is not None:
            drawn.append((title, unit, forest))
    return drawn


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": wording.word_share,
        "change": wording.word_change,
        "number": wording.word_number,
        "slice_name": lambda one: wording.word_slice(one.dimension, one.value),
        "finding": wording.FINDINGS.__getitem__,
        "dimension": wording.DIMENSIONS.__getitem__,
        "sure": _tell_sure,
        "time": lambda text: text[:16].replace("T", " "),
    }
    return environment


def _tell_sure(change: Change | None) -> str:
    """Return a class for a change: whether its interval leaves out zero."""
    if change is None or change.low is None or change.high is None or change.low <= 0 <= change.high:
        return "unsure"
    return "grew" if change.low > 0 else "shrank"


@cache
def _read(name: str) -> str:
    return files(_PACKAGE).joinpath(_FOLDER, name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
