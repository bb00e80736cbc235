"""The sample that ships, and samples that cannot be read."""

from pathlib import Path

import pytest

from service.linting.sample import SampleError, load_sample
from service.shipped import shipped_path

ADS, WORDS = shipped_path("deploy/sample/ads.jsonl"), shipped_path("deploy/sample/words.txt")


def test_the_shipped_sample_is_wide() -> None:
    """Hundreds of ads over markets, verticals and languages, and words in as many."""
    sample = load_sample(ADS, WORDS)
    assert len(sample.ads) >= 300
    assert len({ad.market for ad in sample.ads}) >= 20
    assert len({ad.vertical for ad in sample.ads}) >= 8
    assert len({ad.language for ad in sample.ads if ad.language}) >= 12
    assert len({ad.ad_id for ad in sample.ads}) == len(sample.ads)
    assert len({word.language for word in sample.words}) >= 8


def test_a_line_that_is_no_ad_is_named(tmp_path: Path) -> None:
    """All such lines are told at once, with their numbers."""
    path = tmp_path / "ads.jsonl"
    path.write_bytes(b'{"schema_version": 1}\n' + ADS.read_bytes() + b"[]\n")
    with pytest.raises(SampleError, match=r"ads.jsonl:1: .*\n.*ads.jsonl:482: .*; mend the ad or remove the line"):
        load_sample(path, WORDS)


def test_a_sample_without_ads_is_refused(tmp_path: Path) -> None:
    """Neither an empty nor a missing file is taken for a sample in order."""
    (tmp_path / "ads.jsonl").write_text("\n")
    with pytest.raises(SampleError, match="holds no ad; write one submission a line"):
        load_sample(tmp_path / "ads.jsonl", WORDS)
    with pytest.raises(SampleError, match=r"gone.jsonl:1: cannot be opened: No such file"):
        load_sample(tmp_path / "gone.jsonl", WORDS)
