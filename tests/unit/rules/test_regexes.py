r"""Regex lists: RE2's patterns in the readings of a text, and what is refused before it could surprise anybody."""

# ruff: noqa: E501 - an error stands as it is read, on one line where it can

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from service.rules import regexes
from service.rules.regexes import PatternError, RegexEntry, RegexIndex, check_pattern
from service.text.views import Views

PATTERNS = (
    r"call\s+\+?\d{3,}", r"free.*money", r"^win", r"(?:^|\PL)казино(?:\PL|$)", r"c[a@]sh", r"[13][a-z1-9]{25,34}",
    r"赌.?博", r"wh?atsapp|telegram",
)  # fmt: skip


def build(*patterns: str) -> RegexIndex:
    for pattern in patterns:
        check_pattern(pattern)
    return RegexIndex([RegexEntry("list", pattern) for pattern in patterns])


INDEX = build(*PATTERNS)


def find(text: str, headline: str = "Clean", index: RegexIndex = INDEX) -> list[tuple[str, str, str]]:
    views = Views([("creative.headline", headline), ("creative.body", text)])
    return [(hit.entry.pattern, hit.view.value, hit.locate(views).text) for hit in index.search(views)]


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("CALL   +555 now", (PATTERNS[0], "base", "CALL   +555")),
        ("Ｃａｌｌ 1234", (PATTERNS[0], "base", "Ｃａｌｌ 1234")),
        ("free, really free, money", (PATTERNS[1], "base", "free, really free, money")),
        ("Win a car", (PATTERNS[2], "base", "Win")),
        ("наше Казино!", (PATTERNS[3], "base", " Казино!")),
        ("get c@sh", (PATTERNS[4], "base", "c@sh")),
        ("gеt сash", (PATTERNS[4], "latin", "сash")),
        ("pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", (PATTERNS[5], "base", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")),
        ("在线赌 博", (PATTERNS[6], "base", "赌 博")),
        ("by Telegram", (PATTERNS[7], "base", "Telegram")),
    ],
)
def test_a_pattern_is_found_where_it_stands(text: str, hit: tuple[str, str, str]) -> None:
    """The pattern, the plainest view that shows it, and exactly the original's characters."""
    assert find(text) == [hit]


@pytest.mark.parametrize("text", ["recall 12", "we win", "казиношка", "cach", "", "free\nshoes"])
def test_other_texts_are_not_hit(text: str) -> None:
    """Anchors stand at a field's ends, and words end where the pattern says."""
    assert find(text) == []


def test_fields_do_not_join() -> None:
    """A match that would begin in one field and end in the next is none; one behind it is still found."""
    assert find("money", headline="free") == []
    assert find("money free money", headline="free") == [(PATTERNS[1], "base", "free money")]


def test_each_pattern_hits_once_and_in_the_plainest_view() -> None:
    """A text full of one pattern gives one hit."""
    assert find("сash cash сash " * 50) == [(PATTERNS[4], "base", "cash")]


@pytest.mark.parametrize(
    ("pattern", "error", "column"),
    [
        ("(?<=a)b", "look-behind is not known to RE2; write what stands before it into the pattern", 1),
        ("x(?=a)b", "look-ahead is not known to RE2; write what follows into the pattern", 2),
        ("x(?!a)b", "negative look-ahead is not known to RE2; ask for two regex_hits in a condition", 2),
        (r"(a)\1", "back-references are not known to RE2; write the repeated text out", 4),
        ("(x{1000}){1000}", "a repetition above 1000 in all is refused; repeat less, or use '+'", 3),
        ("ab{1001}", "a repetition above 1000 in all is refused; repeat less, or use '+'", 3),
        (r"(?:\pL{1,40}\s){1,25}x", "the pattern needs too large an automaton; repeat less, or split it over two lines", 1),
        ("a(b", "a bracket is not closed; close it with ')', or write '\\(' for the character", 1),
        ("ab)", "a bracket is closed that was not opened; write '\\)' for the character", 1),
        ("a[b", "a character class is not closed; close it with ']', or write '\\[' for the character", 2),
        ("a**", "RE2 refuses it: bad repetition operator: **; see RE2's syntax: github.com/google/re2/wiki/Syntax", 2),
        (r"buy \pX", "RE2 refuses it: invalid character class range: \\pX; see RE2's syntax: github.com/google/re2/wiki/Syntax", 5),
        (r"\bкокаин\b", "'\\b' knows only ASCII letters, so it fails beside 'к'; write (?:^|\\PL) and (?:\\PL|$) for a word's ends, \\pL for a letter; or use a term list", 1),
        (r"кок\w+", "'\\w' knows only ASCII letters, so it fails beside 'к'; write (?:^|\\PL) and (?:\\PL|$) for a word's ends, \\pL for a letter; or use a term list", 4),
        ("straße", "'ß' never occurs: texts are folded before they are searched; write 'ss'", 5),
        (".*", "the pattern hits almost any text; say more: it must need more than one character", 1),
        (r"\w+", "the pattern hits almost any text; say more: it must need more than one character", 1),
        ("(?:cash)?", "the pattern hits almost any text; say more: it must need more than one character", 1),
        ("a" * 1_001, "the pattern has 1001 characters; keep it under 1000; words belong on a term list", 1),
    ],
)  # fmt: skip
def test_patterns_that_are_refused(pattern: str, error: str, column: int) -> None:
    """Each with what is wrong, where in it, and what to write."""
    with pytest.raises(PatternError) as caught:
        check_pattern(pattern)
    assert str(caught.value) == error
    assert caught.value.column == column


def test_patterns_that_backtracking_engines_choke_on_are_linear() -> None:
    """Nested repetitions are no attack on RE2: the text is read once, whatever it holds."""
    index = build("(a+)+b", "(x|xx)+y", "(.*a){12}z")
    assert find("a" * 20_000 + "c" + "x" * 20_000, index=index) == []


def test_a_set_that_runs_out_of_memory_loses_no_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE2's set then says nothing at all; each pattern is searched on its own."""
    silent = re2.Set.SearchSet()
    silent.Add("never there")
    silent.Compile()
    index = build("cash", "money")
    monkeypatch.setattr(index, "_sets", [(0, silent)])
    assert [pattern for pattern, _, _ in find("cash and money", index=index)] == ["cash", "money"]


def test_patterns_of_all_sets_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """More patterns than one automaton takes lie in several."""
    monkeypatch.setattr(regexes, "_PATTERNS_PER_SET", 2)
    index = build("one", "two", "three", "four", "five")
    assert [pattern for pattern, _, _ in find("five four three two one", index=index)] == [
        "one",
        "two",
        "three",
        "four",
        "five",
    ]


def test_no_patterns_find_nothing() -> None:
    """A bundle without regex lists works."""
    assert find("cash", index=RegexIndex([])) == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    """No string makes the search fail, and each hit has its place."""
    assert all(place for _, _, place in find(text))
