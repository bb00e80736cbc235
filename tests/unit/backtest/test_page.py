"""The page holds everything in itself, and nothing that an ad says becomes markup."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from service.backtest.ads import AdRecord, AdSource
from service.backtest.contest import Contest
from service.backtest.deciding import decide_block
from service.backtest.page import write_page
from service.backtest.report import Report
from service.backtest.review_load import ReviewMinutes
from service.backtest.summary import summarise
from service.backtest.verdicts import Verdicts
from tests.unit.backtest.conftest import make_contest, mix, record

HOSTILE = '<script>alert(1)</script><img src="https://evil.example/x">poker"\'>{{ 7 * 7 }}'


def make_report(ads: list[AdRecord], contest: Contest) -> Report:
    """Return the report on some ads."""
    source = AdSource(ads)
    (block,) = source.cut_blocks(100_000)
    return summarise(decide_block(block, contest), source, contest, ReviewMinutes(2.0, (("gambling", 4.5),)))


class _Reader(HTMLParser):
    """Gathers what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in {"meta", "br", "input"}:
            self.open.append(tag)
        if identity := dict(attributes).get("id"):
            self.ids.append(identity)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.fixture
def page(judge_verdicts: Callable[..., Verdicts]) -> str:
    lines = [{"ad_id": f"ad-{number}", "violates": number % 7 in {1, 4}} for number in range(0, 200, 2)]
    lines.append({"ad_id": "ad-999", "violates": False})  # on which the candidate is wrong: shown first
    hostile = record(HOSTILE, 999, attributes={})
    return write_page(make_report([*mix(200), hostile], make_contest(judge_verdicts(*lines))))


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_its_links_lead_somewhere(page: str) -> None:
    """Every tag is closed in its order, every id is there once, every link goes to one."""
    reader = _read(page)
    links = [fields["href"] for tag, fields in reader.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links if link} <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)
    labelled = {fields["aria-labelledby"] for _, fields in reader.tags if "aria-labelledby" in fields}
    assert labelled <= set(reader.ids)


def test_nothing_is_loaded_and_nothing_but_its_own_style_and_script_may_act(page: str) -> None:
    """No address in any attribute; the policy's hashes are those of what stands in the page."""
    reader = _read(page)
    for tag, fields in reader.tags:
        assert tag not in {"img", "iframe", "link", "object", "embed", "form", "base"}
        assert not {"src", "srcset", "style", "action", "background"} & set(fields)
        assert not [name for name in fields if name.startswith("on")]
        assert all("//" not in (value or "") for name, value in fields.items() if name != "content")
    (policy,) = (fields["content"] for _, fields in reader.tags if fields.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_what_an_ad_says_stays_text(page: str) -> None:
    """Markup, quotes and template syntax of an ad are shown as they were sent."""
    assert "alert(1)" in page
    assert page.count("<script>") == 1
    assert "evil.example" in page
    assert "<img" not in page
    assert "{{ 7 * 7 }}" in page


def test_figures_stand_on_the_page(page: str) -> None:
    """The moved ads, the assumed minutes, the unreadable ads."""
    assert "2.0 minutes a task, 4.5 for gambling" in page
    assert "ads that cannot be read are not decided" in page
    assert "candidate wrong" in page


def test_a_report_without_a_baseline_compares_nothing() -> None:
    """No flow, no examples; the shares are pictured instead of the changes."""
    page = write_page(make_report(mix(100), make_contest(compared=False)))
    _read(page)
    assert 'id="flow"' not in page
    assert "against" not in page.split("</header>")[0]
    assert "per cent, with intervals" in page


def test_a_picture_is_the_same_whatever_holds_few_ads() -> None:
    """One ad, all outcomes zero but one: no division by zero, no negative sizes."""
    page = write_page(make_report([record("poker", 1)], make_contest()))
    reader = _read(page)
    heights = [float(fields["height"] or 0) for tag, fields in reader.tags if tag == "rect"]
    assert len(heights) == 6
    assert min(heights) > 0
