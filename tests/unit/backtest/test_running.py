"""All cores, some or one: the same bytes."""

import multiprocessing
from collections.abc import Iterator

import pytest

from loadtests.ads import REALISTIC, make_ads
from service.backtest.ads import AdRecord, AdSource
from service.backtest.gate import judge_gate
from service.backtest.gate_file import Gate
from service.backtest.page import write_page
from service.backtest.review_load import ReviewMinutes
from service.backtest.running import Setting, WorkerDiedError, run
from service.backtest.summary import summarise
from service.backtest.verdicts import no_verdicts
from service.shipped import shipped_path
from service.strategy import StrategyError
from tests.two_bundles import BASELINE, CANDIDATE
from tests.unit.backtest.conftest import NOW, make_files

MODEL = shipped_path("models/stage_a")
GATE = Gate.model_validate(
    {
        "schema_version": 1,
        "rules": [{"name": "calm", "measure": "rejected", "slices": ["market"], "may_grow_points": 1}],
    }
)


SETTING = Setting(MODEL, CANDIDATE, BASELINE, no_verdicts())


def test_reports_are_the_same_to_the_byte_for_any_cores_and_cuts() -> None:
    """One process with the largest blocks, two and three with small ones: one JSON, one page."""
    contest = SETTING.prepare()
    ads = [AdRecord(ad, "file", 0, number) for number, ad in enumerate(make_ads(400, NOW, REALISTIC))]
    written = set()
    for workers, block_ads in ((1, 512), (1, 7), (2, 64), (3, 19)):
        source = AdSource(ads)
        seen: list[int] = []
        tally = run(source.cut_blocks(block_ads), SETTING, contest, workers, lambda total: seen.append(total.ads))  # noqa: B023
        report = summarise(tally, source, contest, ReviewMinutes()).model_copy(update={"gate": judge_gate(GATE, tally)})
        written.add((report.model_dump_json(indent=1), write_page(report)))
        assert len(seen) == -(-400 // block_ads)
        assert seen[-1] == report.ads.decided
    ((text, page),) = written
    assert report.overall.moved > 0
    assert report.stricter
    assert [one.rule for one in report.rules if one.candidate and not one.candidate.hits] == ["never-said"]
    assert [one.baseline for one in report.rules] == [None, None], "it has no such rules"
    assert '"unreadable": {}' not in text
    assert "<!doctype html>" in page


def test_a_bundle_that_does_not_fit_the_classifier_is_refused_before_any_ad() -> None:
    """It knows two policies, the shipped classifier scores twelve."""
    with pytest.raises(StrategyError, match="the classifier scores"):
        Setting(MODEL, make_files(), None, no_verdicts()).prepare()


def test_no_ads_are_a_report_too() -> None:
    """With nothing in it, and no division by zero; the page is written all the same."""
    contest = SETTING.prepare()
    source = AdSource([])
    report = summarise(run(source.cut_blocks(), SETTING, contest, 1), source, contest, ReviewMinutes())
    assert (report.ads.read, report.overall.ads, report.overall.candidate.approved.share) == (0, 0, None)
    assert "<!doctype html>" in write_page(report)


def test_a_process_that_is_ended_from_outside_is_told() -> None:
    """As the kernel does when memory runs out; the backtest ends with a remedy and does not hang."""
    ads = [AdRecord(ad, "file", 0, number) for number, ad in enumerate(make_ads(64, NOW, REALISTIC))]

    def cut() -> Iterator[list[AdRecord]]:
        for _ in range(4):
            yield ads
        for child in multiprocessing.active_children():
            child.kill()
        while True:
            yield ads

    with pytest.raises(WorkerDiedError, match="try fewer --workers"):
        run(cut(), SETTING, SETTING.prepare(), 2)
