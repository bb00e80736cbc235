import pytest

from service.text.words import find_words

HEADLINE, BODY = "creative.headline", "creative.body"


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("Best Online CASINO here", "casino", "CASINO"),
        ("Best Online CASINO here", "online casino", "Online CASINO"),
        ("try our саsinо now", "casino", "саsinо"),
        ("play c a s i n o today", "casino", "c a s i n o"),
        ("Играйте в КАЗИНО", "казино", "КАЗИНО"),
    ],
)
def test_a_word_is_found_where_it_stands_in_the_original(text: str, wanted: str, found: str) -> None:
    """Evidence marks what the advertiser wrote, disguises included."""
    (place,) = find_words([(HEADLINE, "Hello"), (BODY, text)], [wanted])
    assert place.field == BODY
    assert text[place.start : place.end] == place.text == found


def test_what_is_not_there_is_left_out() -> None:
    """No evidence is better than a wrong one."""
    assert find_words([(HEADLINE, "Running shoes")], ["casino", ""]) == []


def test_one_place_is_named_once() -> None:
    """Two n-grams of one word give one span."""
    assert len(find_words([(HEADLINE, "casino")], ["casino", "casin"])) == 1
