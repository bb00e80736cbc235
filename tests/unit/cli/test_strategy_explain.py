import json
from pathlib import Path

import pytest

from service.cli.strategy_explain import explain
from tests.ads import encode_ad, make_ad

AD = make_ad(creative={"headline": "An online casino", "body": "with \u001b[31m200 free spins"}, vertical="games")


def write(folder: Path, value: bytes) -> Path:
    path = folder / "ad.json"
    path.write_bytes(value)
    return path


def test_an_ad_is_explained_with_its_evidence_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Outcome, strategy with its place, the marked text, a fired rule, the way to the decision."""
    assert explain(write(tmp_path, encode_ad(AD))) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("REJECT  ad ad-1 revision 1: DE / games / feed")
    assert "● default  default.yaml:" in printed
    assert "⟦online casino⟧" in printed
    assert "⟦free spins⟧" in printed
    assert "● gambling-offer-unlicensed → reject for gambling" in printed
    assert "the worst outcome wins: reject" in printed
    assert "\u001b" not in printed, "an ad's text must not steer the terminal"


def test_the_trace_is_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object, with the decision inside."""
    assert explain(write(tmp_path, encode_ad(AD)), as_json=True) == 0
    trace = json.loads(capsys.readouterr().out)
    assert trace["decision"]["outcome"] == "reject"
    assert {rule["state"] for rule in trace["rules"]} >= {"fired", "did not fire"}


@pytest.mark.parametrize(
    ("value", "words"),
    [(b"{", "not JSON"), (encode_ad(AD | {"market": "XX"}), "market"), (b"", "ad.json")],
)
def test_what_cannot_be_read_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: bytes, words: str
) -> None:
    """Exit code 2 and a line that names file and field."""
    assert explain(write(tmp_path, value)) == 2
    assert words in capsys.readouterr().err


def test_either_an_ad_or_a_decision_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither and both are refused; so are a missing file, a bad place and a bundle that is none."""
    assert explain() == 2
    assert explain(write(tmp_path, encode_ad(AD)), decision="3:1042") == 2
    assert "--decision PARTITION:OFFSET" in capsys.readouterr().err
    assert explain(tmp_path / "none.json") == 2
    assert "No such file" in capsys.readouterr().err
    assert explain(decision="third") == 2
    assert "such as 3:1042" in capsys.readouterr().err
    (tmp_path / "bundle.yaml").write_text("schema_version: 1\n")
    assert explain(write(tmp_path, encode_ad(AD)), bundle=str(tmp_path)) == 2
    assert "bundle.yaml:1:1" in capsys.readouterr().err
