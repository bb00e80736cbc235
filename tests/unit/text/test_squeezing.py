# ruff: noqa: E501 - a case is read as a line
import pytest

from service.text.squeezing import confirms, squeeze, squeeze_term


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("casino", "casino"), ("c4sin0", "casino"), ("c.a.s.i.n.o", "casino"), ("caaasino", "casino"), ("ca$!no", "casino"),
        ("gamb1ing", "gambling"), ("gamb|ing", "gambling"), ("gambiing", "gambling"), ("fr33 m0n3y", "free money"),
        ("freeeee money", "free money"), ("b00bs", "boobs"),
    ],
)  # fmt: skip
def test_spellings_that_stand_for_the_term(written: str, term: str) -> None:
    """Stand-ins, gaps and stretched letters are all read through."""
    assert confirms(written, term)


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("beet", "bet"), ("wed", "weed"), ("cassino", "casino"), ("casin", "casino"), ("casinos", "casino"), ("45", "as"),
        ("c4s1n0", "cisino"), ("", "casino"), ("....", "casino"), ("loose", "lose"),
    ],
)  # fmt: skip
def test_spellings_that_do_not(written: str, term: str) -> None:
    """One letter more or less is another word; digits alone are no word."""
    assert not confirms(written, term)


@pytest.mark.parametrize(
    "text",
    [
        "plain words only",
        "l'eau d'Italie",
        "i 100% agree",
        "ca\0sino",
        "don't wait, it's here",
        "www shop",
        "coffee and beer, all good",
        "продажа обуви",
        "买鞋",
        "รองเท้า",
        "i am a big fan",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """The gate keeps ordinary texts out, which is what makes the view cheap."""
    assert squeeze(text) is None


@pytest.mark.parametrize(
    ("latin", "squeezed"),
    [
        ("caa.aasino", "casino"), ("casin'o", "casino"), ("c 4 s 1 n 0", "casino"), ("c4s\0ino", "cas\0ino"),
        ("ca_si-no", "casino"), ("c@$in0", "casino"), ("c@s!n0", "casino"), ("c_a-s*i~n|o", "casino"),
    ],
)  # fmt: skip
def test_disguises_are_drawn_together(latin: str, squeezed: str) -> None:
    """One step may make another necessary; fields stay apart."""
    assert squeeze(latin) == squeezed


def test_short_terms_are_not_squeezed() -> None:
    """Three Latin letters would be found everywhere; two Han characters would not."""
    assert squeeze_term("bet") == ()
    assert squeeze_term("赌博") == ("赌博",)


def test_a_term_meets_its_squeezed_spelling() -> None:
    """What is looked for is what squeezing makes of a disguised text."""
    assert squeeze("f.r.e.e m0ney") in squeeze_term("free money")
