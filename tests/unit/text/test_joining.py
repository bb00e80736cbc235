import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text.joining import join_letters
from service.text.squeezing import squeeze, squeeze_term
from tests.unit.text.test_views import TEXTS


@pytest.mark.parametrize(
    "written", ["online casino", "online-casino", "on1ine cas1no", "0nlinecasin0", "o.n.l.i.n.e casino"]
)
def test_spellings_join_to_one_reading(written: str) -> None:
    """Gaps are left out, and each letter or digit is the one that stands for its stand-ins."""
    assert join_letters(written) == "oniinecasino"


@given(TEXTS, TEXTS)
def test_what_is_inside_a_text_is_inside_its_joined_reading(before: str, text: str) -> None:
    """So nothing is missed; and fields stay apart."""
    text, before = (part.encode("utf-8", "replace").decode() for part in (text, before))
    assert join_letters(before + text) == join_letters(before) + join_letters(text)
    assert join_letters(f"{before}\0{text}").count("\0") == before.count("\0") + text.count("\0") + 1


@given(st.text("abcilv01 .-оз", min_size=4, max_size=12))
def test_a_squeezed_term_joins_as_its_spelling_does(term: str) -> None:
    """A pattern made from a term is found in what squeezing made of a text that spells it."""
    forms = squeeze_term(term)
    if (squeezed := squeeze(term)) is not None and squeezed in forms:
        assert join_letters(squeezed) in {join_letters(form) for form in forms}
