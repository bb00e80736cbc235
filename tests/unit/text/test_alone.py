import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text.alone import fold_alone, fold_case
from service.text.folding import BASE_STEPS, fold_base
from tests.unit.text.test_views import TEXTS


def fold_in_steps(text: str) -> str:
    for step in BASE_STEPS:
        text = step.apply(text)
    return text


def test_every_character_folds_as_in_the_steps() -> None:
    """The quick way and the long way agree on each code point that the quick way takes."""
    quick = {c: folded for c in map(chr, range(0x110000)) if (folded := fold_alone(c)) is not None}
    assert len(quick) > 40_000
    assert [c for c, folded in quick.items() if folded != fold_in_steps(c)] == []


@given(TEXTS | st.text(st.characters(max_codepoint=0x24F, categories=["L", "N", "P", "S", "Z"]), max_size=40))
def test_a_text_folds_as_in_the_steps(text: str) -> None:
    """Neighbours change nothing, and no character vanishes."""
    assert fold_base(text) == fold_in_steps(text)
    folded = fold_alone(text)
    assert folded is None or len(folded) >= len(text)


@pytest.mark.parametrize(
    "text", ["e\u0301", "a\u200bb", "\u202eba\u202c", "🇩🇪", "ｶﾞ", "\u1100\u1161\u11a8", "กำ", "\ud800"]
)
def test_what_depends_on_its_neighbours_goes_the_long_way(text: str) -> None:
    """Marks, jamo, flags and invisible characters are not folded one by one."""
    assert fold_alone(text) is None


@pytest.mark.parametrize(
    ("text", "folded"),
    [("ΟΔΟΣ ΣΑΣ", "οδοσ σασ"), ("Größe – “naïve”…", 'grösse - "naïve"...'), ("A`B\0C", "a'b\0c"), ("Ꭰ", None)],
)
def test_typographic_text_takes_the_quick_way(text: str, folded: str | None) -> None:
    """Quotes, dashes and sharp s are replaced; what lower() would change once more is left to the steps."""
    assert fold_alone(text) == folded
    assert fold_case(fold_base(text)) == fold_base(text)
