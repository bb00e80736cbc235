import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.decision import View
from service.text.model_text import normalise_for_model, normalise_views
from service.text.views import Views, fold_term

SPICE = st.sampled_from(
    [
        *"abcdeilnosv018@$!|.-_* \n\t'’“",
        "а",
        "о",
        "с",
        "з",
        "и",
        "é",
        "ß",
        "İ",
        "ŉ",
        "ﬁ",
        "ｃ",
        "Ⅷ",
        "́",
        "̶",
        "\u200b",
        "\u202e",
        "\u202c",
        "\x00",
        "🅰",
        "🇨",
        "🎰",
        "ｶ",
        "ﾞ",
        "赌",
        "各",
        "각",
        "ก",
        "ำ",
        "क़",
        "ـ",
        "ك",
        "�",
        "\uffff",
    ]
)
TEXTS = st.lists(SPICE, max_size=30).map("".join) | st.text(st.characters(), max_size=30)


@given(TEXTS)
def test_tracing_a_view_gives_the_view(text: str) -> None:
    """The slow way with edits and the quick way are one way: offsets of the one are offsets of the other."""
    views = Views([("creative.body", text)])
    for view, reading in ((View.BASE, views.base), (View.LATIN, views.latin), (View.SQUEEZED, views.squeezed or "")):
        for at in range(len(reading)):
            place = views.locate(view, at, at + 1)
            assert 0 <= place.start < place.end <= len(text)
            assert place.text == text[place.start : place.end]


@given(TEXTS, TEXTS)
def test_places_follow_each_other(before: str, after: str) -> None:
    """A word is found where it stands, whatever stands around it, unless its surroundings turn it round."""
    text = f"{before}\n zebra \n{after}"
    if "\u202e" in text:
        return
    views = Views([("creative.body", text)])
    at = views.base.index("zebra")
    place = views.locate(View.BASE, at, at + 5)
    assert place.text == "zebra"


@given(TEXTS)
def test_a_disguised_word_is_located_whole(before: str) -> None:
    """A span covers all of a disguised word, its separators included, and no more."""
    if "\u202e" in before:
        return
    # words of several letters between: single letters before it would belong to the spread word
    views = Views([("creative.body", before + " and then \n c.a.s.i.n.o \n")])
    assert views.squeezed
    place = views.locate(View.SQUEEZED, (at := views.squeezed.rindex("casino")), at + 6)
    assert place.text == "c.a.s.i.n.o"


def test_fields_are_told_apart() -> None:
    """A span names its own field and counts from that field's start, also behind a NUL of the sender."""
    views = Views([("creative.headline", "a\0b"), ("creative.body", ""), ("creative.transcript", "x casino")])
    at = views.base.index("casino")
    assert views.locate(View.BASE, at, at + 6) == ("creative.transcript", 2, 8, "casino")


def test_no_view_joins_two_fields() -> None:
    """A word that begins in one field does not end in the next."""
    views = Views([("creative.headline", "c a s"), ("creative.body", "i n o")])
    assert views.squeezed == "cas\0ino"


@pytest.mark.parametrize("text", ["", "\0", "\0\0", " ", "\ud800", "\u200b", "🎰"])
def test_empty_and_odd_texts_have_views(text: str) -> None:
    """Nothing fails on a text without letters."""
    views = Views([("creative.body", text)])
    assert isinstance(views.base + views.latin, str)
    assert views.squeezed is None


def test_clean_text_is_not_copied() -> None:
    """Where nothing is folded the readings are one object, which is how searching knows that it may stop."""
    views = Views([("creative.body", "Comfortable shoes for every day. Don't wait!")])
    assert views.latin is views.base
    assert views.squeezed is None


def test_a_term_is_folded_like_a_text() -> None:
    """List entries and texts meet in the same reading."""
    assert fold_term(" CAFÉ\u200b  Crème ") == ("café crème", "cafe creme")


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "c.a." * 12_000, "сasinо " * 7_000, "\u202e" * 50_000, "a\u0301" * 25_000]
)
def test_long_texts_can_be_located(text: str) -> None:
    """The longest transcript is traced in linear time."""
    views = Views([("creative.transcript", text)])
    view, reading = (View.SQUEEZED, views.squeezed) if views.squeezed else (View.BASE, views.base)
    assert not reading or views.locate(view, len(reading) - 1, len(reading)).end <= len(text)


@given(st.lists(TEXTS | st.sampled_from(["c a s", "c.a.s.i.n.o", "s@l€ now", "wooow!!!"]), max_size=4))
def test_the_model_reads_the_same_from_views(texts: list[str]) -> None:
    """What the views know already changes nothing in the text that the classifier sees."""
    joined = "\n\n".join(text for text in texts if text)
    assert normalise_views(Views([("creative.body", text) for text in texts])) == normalise_for_model(joined)


@pytest.mark.parametrize("text", ["a…b  c casino", "a\u00adb… casino", "ß  casino", "İstanbul … casino", "“a”\ncasino"])
def test_moved_words_are_found_again(text: str) -> None:
    """A character more here and one less there leave a text as long as before, yet what is between has moved."""
    views = Views([("creative.body", text)])
    for view, reading in ((View.BASE, views.base), (View.LATIN, views.latin)):
        at = reading.index("casino")
        assert views.locate(view, at, at + 6).text == "casino"
