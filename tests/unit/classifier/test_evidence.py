"""Evidence for scores: words of the original that speak for a policy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.classifier import Classifier
from service.classifier.evidence import Question, find_evidence
from service.contracts.decision import MAX_EXCERPT_CHARS, Evidence
from tests.moderating import load_shipped, make_classifier

# Every code point that a submission can hold; small alphabets make words and disguises likely.
TEXTS = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="casino CASINO.-_ 0\u200bａсо\n", max_size=80),
    st.text(alphabet="赌场カジノคาสิโนक्ष ", max_size=80),
)
ALL = {"": (0.0, 0.0), "casino": (0.9, 0.0), "bonus": (0.5, 0.0), "weak": (0.1, 0.0)}


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return load_shipped().classifier


def find(text: str, classifier: Classifier, policy: str = "gambling") -> tuple[Evidence, ...]:
    return find_evidence([Question([("creative.body", text)], [policy])], classifier)[0][policy]


def excerpts(text: str, classifier: Classifier, policy: str = "gambling") -> list[str]:
    return [evidence.excerpt for evidence in find(text, classifier, policy)]


@settings(max_examples=300, deadline=None)
@given(fields=st.lists(TEXTS, max_size=3))
def test_spans_lie_in_the_field_they_name(fields: list[str]) -> None:
    """Whatever the text, start and end lie within it and the excerpt is what stands there."""
    texts = {f"creative.field{number}": text for number, text in enumerate(fields)}
    classifier = load_shipped().classifier
    answer = find_evidence([Question(list(texts.items()), classifier.labels)], classifier)[0]
    assert list(answer) == list(classifier.labels)
    for found in answer.values():
        assert len(found) <= 3
        for evidence in found:
            text = texts[evidence.field]
            assert 0 <= evidence.start < evidence.end <= len(text)
            assert evidence.excerpt == text[evidence.start : evidence.end][:MAX_EXCERPT_CHARS]


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_an_answer_ignores_the_other_questions(texts: list[str]) -> None:
    """All questions are scored in one pass, and each is answered as if it were alone."""
    classifier = load_shipped().classifier
    questions = [Question([("creative.body", text)], ["gambling", "spam"]) for text in texts]
    assert find_evidence(questions, classifier) == [find_evidence([one], classifier)[0] for one in questions]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Best casino in town", "casino"),
        ("Best CASINO!", "CASINO"),
        ("Best ｃａｓｉｎｏ in town", "ｃａｓｉｎｏ"),
        ("Best саsinо in town", "саsinо"),
        ("Best c a s i n o in town", "c a s i n o"),
        ("Best c.a.s.i.n.o in town", "c.a.s.i.n.o"),
        ("Best cas\u200bino in town", "cas\u200bino"),
        ("Best c4sin0 in town", "c4sin0"),
    ],
)
def test_a_disguised_word_is_marked_as_it_stands(shipped: Classifier, text: str, marked: str) -> None:
    """The reviewer sees the disguise itself, with nothing beside it."""
    assert excerpts(text, shipped)[0] == marked


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("欢迎来到我们的网站,新用户注册即可获得丰厚奖励哦", "在线赌场", "现在开业,真人荷官等你来玩"),
        ("本日のおすすめはこちらです。新規登録で今すぐ遊べ", "カジノ", "で無料ボーナスを手に入れよう"),
        ("ยินดีต้อนรับสู่เว็บไซต์นะคะ", "คาสิโน", "ออนไลน์อันดับหนึ่งของเรา"),
    ],
)
def test_writing_without_blanks_is_marked_in_pieces(before: str, word: str, after: str) -> None:
    """In a script without blanks a piece is marked, not the whole sentence."""
    text = before[:24] + word + after
    found = find(text, make_classifier({word: (0.9, 0.0)}))
    assert [(e.start, e.end, e.excerpt) for e in found] == [(24, 36, text[24:36])]


def test_the_strongest_words_come_first_and_weak_ones_are_left_out() -> None:
    """At most three, and none that says less than half of what the strongest says."""
    classifier = make_classifier(ALL)
    assert excerpts("weak bonus casino", classifier) == ["casino", "bonus"]
    assert excerpts("a bonus here, bonuses there, Bonus! and bonusx", classifier) == ["bonus", "bonuses", "bonusx"]


def test_a_word_is_marked_where_it_stands_first() -> None:
    """A word that is repeated, however it is written, is marked once."""
    found = find("casino CASINO ｃａｓｉｎｏ", make_classifier(ALL))
    assert [(evidence.start, evidence.excerpt) for evidence in found] == [(0, "casino")]


def test_each_policy_has_its_own_words() -> None:
    """One ad in doubt for two policies shows what speaks for each."""
    classifier = make_classifier({"casino": (0.9, 0.0), "prince": (0.0, 0.9)})
    answer = find_evidence([Question([("creative.body", "casino prince")], ["scam_fraud", "gambling"])], classifier)[0]
    assert {policy: [e.excerpt for e in found] for policy, found in answer.items()} == {
        "scam_fraud": ["prince"],
        "gambling": ["casino"],
    }


def test_evidence_names_its_field() -> None:
    """Spans count from the start of their own field."""
    fields = [("creative.headline", "hello"), ("creative.body", "a casino")]
    found = find_evidence([Question(fields, ["gambling"])], make_classifier(ALL))[0]["gambling"]
    assert [(e.field, e.start, e.end) for e in found] == [("creative.body", 2, 8)]


@pytest.mark.parametrize(
    "fields", [[], [("creative.body", "")], [("creative.body", " \n\t")], [("creative.body", "!?*")]]
)
def test_without_words_there_is_no_evidence(shipped: Classifier, fields: list[tuple[str, str]]) -> None:
    """Empty fields and fields of signs alone give an empty answer, not an error."""
    assert find_evidence([Question(fields, ["gambling"])], shipped) == [{"gambling": ()}]


def test_no_questions_no_answers(shipped: Classifier) -> None:
    """A batch in which everything was approved asks nothing."""
    assert find_evidence([], shipped) == []


def test_an_unknown_policy_is_an_error(shipped: Classifier) -> None:
    """A policy that no column stands for has no evidence to give."""
    with pytest.raises(ValueError, match="gardening"):
        find_evidence([Question([("creative.body", "hello")], ["gardening"])], shipped)


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "赌" * 100_000, "a " * 50_000, "a!" * 50_000, "- " * 50_000, "casino9 " * 12_000]
)
def test_a_very_long_text_is_bounded(shipped: Classifier, text: str) -> None:
    """Each excerpt fits the contract, and the span still says where the whole of it lies."""
    for evidence in find(text, shipped):
        assert len(evidence.excerpt) <= MAX_EXCERPT_CHARS
        assert evidence.excerpt == text[evidence.start : evidence.end][:MAX_EXCERPT_CHARS]


def test_at_most_ten_thousand_words_are_scored() -> None:
    """A transcript of a hundred thousand words does not cost a hundred thousand scores."""
    scored = []

    class Counting(Classifier):
        def score(self, texts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            scored.extend(texts)
            return super().score(texts)

    base = make_classifier(ALL)
    find(" ".join(f"w{number}" for number in range(30_000)), Counting(base._stage, base.model_hash))
    assert len(scored) == 10_000
