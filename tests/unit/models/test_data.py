"""Reading training texts: unknown stays unknown, and what may not ship does not."""

import gzip
from pathlib import Path

import orjson
import pytest

from models.data import EXCLUDED_SOURCES, FILES, UNKNOWN, find_data, read_texts


def write(directory: Path, rows: list[dict[str, object]]) -> None:
    """Write rows to the first file, nothing to the others."""
    for name in FILES:
        lines = b"".join(orjson.dumps(row) + b"\n" for row in rows) if name == FILES[0] else b""
        (directory / name).write_bytes(gzip.compress(lines))


def row(source: str, labels: dict[str, int], raw: str = "", text: str = "a text") -> dict[str, object]:
    return {"id": "1", "source": source, "lang": "en", "text": text, "raw": raw, "labels": labels}


def test_an_absent_policy_is_unknown(tmp_path: Path) -> None:
    """A label that a source does not give is masked, never zero."""
    write(tmp_path, [row("sms", {"spam": 1}), row("sms", {"gambling": 0})])
    assert read_texts(tmp_path, ("gambling", "spam")).labels.tolist() == [[UNKNOWN, 1], [0, UNKNOWN]]


def test_ordinary_marketing_is_assumed_clean_of_spam(tmp_path: Path) -> None:
    """Among ads marketing is no spam; a text marked risky or labelled with a breach stays as it is."""
    rows = [
        row("ecommerce", {"gambling": 0}, "shein:com"),
        row("ecommerce", {}, "shein:com:risky-vertical"),
        row("fbs-sms", {"gambling": 1}, "AD:Retail"),
    ]
    write(tmp_path, rows)
    data = read_texts(tmp_path, ("gambling", "spam"))
    assert data.commercial.tolist() == [True, False, False]
    assert data.labels[:, 1].tolist() == [0, UNKNOWN, UNKNOWN]


def test_a_label_that_misled_the_model_is_left_open(tmp_path: Path) -> None:
    """The gambling comments keep their gambling and lose their spam."""
    write(tmp_path, [row("judol", {"gambling": 1, "spam": 1}), row("sms", {"spam": 1})])
    assert read_texts(tmp_path, ("gambling", "spam")).labels.tolist() == [[1, UNKNOWN], [UNKNOWN, 1]]


def test_sources_that_may_not_ship_are_left_out(tmp_path: Path) -> None:
    """Licences without commercial use or derivatives keep a source from the shipped model."""
    write(tmp_path, [row(source, {"spam": 1}) for source in [*sorted(EXCLUDED_SOURCES), "sms"]])
    assert read_texts(tmp_path, ("spam",), EXCLUDED_SOURCES).sources.tolist() == ["sms"]


def test_copies_of_a_text_share_a_fold(tmp_path: Path) -> None:
    """Case and blanks do not put a copy on the other side of the split."""
    write(tmp_path, [row("sms", {}, text=text) for text in ("Free  Prize", "free prize", "FREE\nPRIZE ")])
    assert len(set(read_texts(tmp_path, ("spam",)).folds.tolist())) == 1


def test_a_missing_directory_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without data the program ends with one line that says what to give."""
    with pytest.raises(SystemExit, match=r"train\.jsonl\.gz, extra\.jsonl\.gz not found there; give --data DIR"):
        find_data(tmp_path)
    monkeypatch.delenv("SLUICE_DATA", raising=False)
    with pytest.raises(SystemExit, match="give --data DIR or set SLUICE_DATA"):
        find_data(None)
