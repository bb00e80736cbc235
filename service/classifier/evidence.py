"""Which words of the original speak for a score: each word is scored alone, and the strongest are marked.

Stage A adds up n-grams that lie within words, so a word's own score is its part of the whole but for word pairs. That
costs one more pass of the scorer, on hits only, and gives spans of the original without tracing the normaliser.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.classifier.classifier import Classifier
from service.contracts.decision import MAX_EXCERPT_CHARS, Evidence
from service.text.model_text import normalise_for_model

# Letters spread by single blanks are one word; writing without blanks is cut into pieces that a reader can take in.
_WORD = re.compile(r"(?:\S ){3,}\S(?!\S)|[^\s\W](?:\S*[^\s\W])?")
_PIECE_CHARS = 12
_MOST_WORDS = 10_000
_MOST_MARKED = 3
_STRONG = 0.5


class Question(NamedTuple):
    """An ad's (path, text) fields and the policies that evidence is wanted for."""

    fields: Sequence[tuple[str, str]]
    policies: Sequence[str]


def find_evidence(questions: Sequence[Question], classifier: Classifier) -> list[dict[str, tuple[Evidence, ...]]]:
    """Return, question by question, up to 3 spans a policy, the strongest first; an answer ignores the other questions.

    All words are scored in one pass, which costs a fraction of one pass an ad. Raises ValueError for a policy that is
    no label of the classifier.
    """
    words = [_cut_words(question.fields) for question in questions]
    scores = classifier.score([word for found in words for word in found])
    answers = []
    first = 0
    for question, found in zip(questions, words, strict=True):
        own = scores[first : first + len(found)]
        first += len(found)
        columns = {policy: own[:, _find_column(policy, classifier)].tolist() for policy in question.policies}
        spans = list(found.values())
        answers.append({policy: _mark_strongest(spans, column) for policy, column in columns.items()})
    return answers


def _find_column(policy: str, classifier: Classifier) -> int:
    if policy not in classifier.labels:
        raise ValueError(f"the classifier has no label '{policy}'; it has {', '.join(classifier.labels)}")
    return classifier.labels.index(policy)


class _Span(NamedTuple):
    field: str
    start: int
    end: int
    text: str


def _cut_words(fields: Sequence[tuple[str, str]]) -> dict[str, _Span]:
    """Return the first span of each word by its normalised reading, in the order of the text."""
    found: dict[str, _Span] = {}
    for number, span in enumerate(_find_spans(fields)):
        if number == _MOST_WORDS:
            break
        reading = span.text.lower() if span.text.isascii() and span.text.isalpha() else normalise_for_model(span.text)
        if reading:
            found.setdefault(reading, span)
    return found


def _find_spans(fields: Sequence[tuple[str, str]]) -> Iterator[_Span]:
    for path, text in fields:
        for match in _WORD.finditer(text):
            word, start = match[0], match.start()
            if len(word) <= 2 * _PIECE_CHARS or word.isascii():
                yield _Span(path, start, match.end(), word)
            else:
                for at in range(0, len(word), _PIECE_CHARS):
                    piece = word[at : at + _PIECE_CHARS]
                    yield _Span(path, start + at, start + at + len(piece), piece)


def _mark_strongest(spans: Sequence[_Span], scores: Sequence[float]) -> tuple[Evidence, ...]:
    ranked = sorted(range(len(spans)), key=lambda index: -scores[index])[:_MOST_MARKED]
    return tuple(
        Evidence(field=span.field, start=span.start, end=span.end, excerpt=span.text[:MAX_EXCERPT_CHARS])
        for index in ranked
        if scores[index] >= _STRONG * scores[ranked[0]]
        for span in (spans[index],)
    )
