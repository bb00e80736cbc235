"""Examples show the ad's own words with the evidence marked."""

import pytest

from service.backtest.examples import describe, mark_evidence
from service.contracts.decision import Evidence, Outcome
from tests.unit.backtest.conftest import make_contest, record


def _mark(text: str, *spans: tuple[int, int]) -> str:
    evidence = [Evidence(field="creative.body", start=start, end=end, excerpt="") for start, end in spans]
    (passage,) = mark_evidence([("creative.body", text)], evidence)
    return "".join(f"[{part.text}]" if part.marked else part.text for part in passage.parts)


@pytest.mark.parametrize(
    ("text", "spans", "shown"),
    [
        ("play poker now", [(5, 10)], "play [poker] now"),
        ("poker", [(0, 5)], "[poker]"),
        ("abcdef", [(1, 3), (2, 5)], "a[bcde]f"),
        ("abcdef", [(0, 1), (4, 5)], "[a]bcd[e]f"),
        ("nothing", [], "nothing"),
        ("beyond", [(3, 99)], "bey[ond]"),
        ("tab\tline\nend\x1b[2J\u202egnp\x00", [], "tab\tline\nend␛[2J\ufffdgnp␀"),
    ],
)
def test_evidence_is_marked_in_the_text(text: str, spans: list[tuple[int, int]], shown: str) -> None:
    """Overlapping evidence is one mark; controls are shown, so that they steer no terminal and turn no text around."""
    assert _mark(text, *spans) == shown


def test_a_long_text_is_cut_to_what_surrounds_its_evidence() -> None:
    """Without evidence its beginning stands for it."""
    text = "a" * 1_000 + "HIT" + "b" * 100 + "HIT" + "c" * 2_000
    assert _mark(text, (1_000, 1_003), (1_103, 1_106)) == (
        "…" + "a" * 120 + "[HIT]" + "b" * 100 + "[HIT]" + "c" * 120 + "…"
    )
    assert _mark("a" * 1_000) == "a" * 600 + "…"
    far = "HIT" + "b" * 1_000 + "HIT"
    assert _mark(far, (0, 3), (1_003, 1_006)) == "[HIT]" + "b" * 120 + "…" + "b" * 120 + "[HIT]"


def test_an_example_tells_both_decisions() -> None:
    """Reasons of both bundles, the words that they are founded on, and where the ad lies."""
    example = describe(record("Casino and poker tonight", 4), make_contest())
    assert (example.place, example.before, example.after) == ("line 5", Outcome.REJECT, Outcome.REJECT)
    example = describe(record("poker tonight", 4), make_contest())
    assert (example.before, example.after, example.policy) == (Outcome.REVIEW, Outcome.REJECT, "gambling")
    assert example.reasons_before == ("gambling: model words 0.6 (limit 0.4) -> review",)
    assert example.reasons_after == ("gambling: model words 0.6 (limit 0.5) -> reject",)
    assert example.harm == 1.2
    assert [part.text for part in example.passages[0].parts if part.marked] == ["poker"]
