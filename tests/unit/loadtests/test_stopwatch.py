from itertools import count
from pathlib import Path

import pytest

from loadtests.stopwatch import Lap, Stopwatch, read_lap


def _make_watch(ads: int, result: Path) -> Stopwatch:
    wall, cpu = count(100), count(5)
    return Stopwatch(ads, result, wall_s=lambda: float(next(wall)), cpu_s=lambda: next(cpu) / 10)


def test_it_runs_from_the_first_record_to_the_last_durable_one(tmp_path: Path) -> None:
    """Later starts change nothing; the lap is written when the count is reached."""
    watch = _make_watch(300, tmp_path / "lap.json")
    watch.start()
    watch.start()
    watch.count(200)
    assert not (tmp_path / "lap.json").exists()
    assert watch.remaining == 100
    watch.count(150)
    lap = read_lap(tmp_path / "lap.json")
    assert (lap.ads, lap.wall_s) == (350, 1.0)
    assert lap.cpu_s == pytest.approx(0.1)
    assert watch.done


def test_a_lap_is_written_once(tmp_path: Path) -> None:
    """Ads that become durable after the end do not change the lap."""
    watch = _make_watch(10, tmp_path / "lap.json")
    watch.start()
    watch.count(10)
    before = read_lap(tmp_path / "lap.json")
    watch.count(10)
    assert read_lap(tmp_path / "lap.json") == before


def test_durable_before_read_is_a_fault_of_the_candidate(tmp_path: Path) -> None:
    """A lap without a beginning is refused."""
    with pytest.raises(RuntimeError, match="before the first was read"):
        _make_watch(10, tmp_path / "lap.json").count(1)


def test_a_lap_tells_throughput_and_cpu_an_ad() -> None:
    """Both are per durable ad."""
    lap = Lap(ads=1_000, wall_s=2.0, cpu_s=0.5, peak_bytes=1)
    assert lap.ads_per_s == 500
    assert lap.cpu_us_per_ad == 500
