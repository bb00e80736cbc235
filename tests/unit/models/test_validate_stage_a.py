"""Leaving a source out really leaves it out."""

import gzip
from pathlib import Path

import orjson
import pytest

from models.data import FILES, read_texts
from models.train_stage_a import POLICIES
from models.validate_stage_a import Outside, leave_out

SHARED = ("quiet garden", "casino jackpot")  # clean, breach
UNKNOWN_WORDS = ("vex lymph", "zyzzyva qwerty")


def write(directory: Path, wording: dict[str, tuple[str, str]], languages: dict[str, str]) -> None:
    """Write forty breaches and forty clean texts a source."""
    rows = [
        {
            "id": f"{source}-{number}",
            "source": source,
            "lang": languages[source],
            "raw": "",
            "text": f"{words[number % 2]} {number // 2}",
            "labels": {"gambling": number % 2},
        }
        for source, words in wording.items()
        for number in range(80)
    ]
    for name in FILES:
        lines = b"".join(orjson.dumps(row) + b"\n" for row in rows) if name == FILES[0] else b""
        (directory / name).write_bytes(gzip.compress(lines))


def test_a_source_that_speaks_as_the_others_is_recognised(tmp_path: Path) -> None:
    """What two sources share carries over to the one left out; what one alone says does not."""
    wording = {"sms": SHARED, "surge": SHARED, "olid": UNKNOWN_WORDS}
    write(tmp_path, wording, dict.fromkeys(wording, "en"))
    outside = Outside(read_texts(tmp_path, POLICIES))
    areas = {row["source"]: row["auc"] for row in leave_out(outside)}
    assert areas["sms"] == areas["surge"] == 1.0
    assert areas["olid"] != 1.0


def test_a_language_of_one_source_is_not_judged(tmp_path: Path) -> None:
    """Nothing carries over between languages, so there is no figure to give."""
    wording = {"sms": SHARED, "surge": SHARED, "germeval": ("stiller garten", "spielbank gewinn")}
    write(tmp_path, wording, {"sms": "en", "surge": "en", "germeval": "de"})
    outside = Outside(read_texts(tmp_path, POLICIES))
    assert [row["source"] for row in leave_out(outside)] == ["sms", "surge"]


def test_an_excluded_source_is_judged_but_never_fitted(tmp_path: Path) -> None:
    """Its texts get scores; those of the fit do not know its words."""
    wording = {"sms": SHARED, "surge": SHARED, "indo-hate": UNKNOWN_WORDS}
    write(tmp_path, wording, dict.fromkeys(wording, "en"))
    outside = Outside(read_texts(tmp_path, POLICIES))
    rows = {row["source"]: row for row in leave_out(outside)}
    assert rows["indo-hate"]["positives"] == 40
    assert rows["indo-hate"]["auc"] != pytest.approx(1.0)
