"""Finds the words of a normalised text again in the original: evidence for what a model saw.

Only asked for on a hit. A word whose letters are spread over several original words is found by its whole run.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from service.text.model_text import normalise_for_model
from service.text.views import Place

_WORD = re.compile(r"\S+")
_MOST_WORDS = 2_000
_MOST_RUN = 12


def find_words(fields: Sequence[tuple[str, str]], wanted: Iterable[str]) -> list[Place]:
    """Return the first place of each wanted normalised text (one word or more) in the (path, text) fields.

    What cannot be found is left out; the first 2,000 words of each field are looked at.
    """
    readings = [(path, text, list(_read_words(text))) for path, text in fields]
    places = (_find(readings, text.split()) for text in wanted)
    return list(dict.fromkeys(place for place in places if place is not None))


def _read_words(text: str) -> Iterator[tuple[int, int, str]]:
    for number, match in enumerate(_WORD.finditer(text)):
        if number == _MOST_WORDS:
            return
        yield match.start(), match.end(), normalise_for_model(match[0])


def _find(readings: Sequence[tuple[str, str, list[tuple[int, int, str]]]], words: list[str]) -> Place | None:
    if not words:
        return None
    for path, text, read in readings:
        for index, (start, _, word) in enumerate(read):
            if words[0] in word and all(
                later < len(read) and wanted in read[later][2] for later, wanted in enumerate(words[1:], index + 1)
            ):
                end = read[index + len(words) - 1][1]
                return Place(path, start, end, text[start:end])
    return _find_spread(readings, "".join(words))


def _find_spread(readings: Sequence[tuple[str, str, list[tuple[int, int, str]]]], joined: str) -> Place | None:
    for path, text, read in readings:
        for index, (start, _, word) in enumerate(read):
            if not word or not joined.startswith(word[:1]):
                continue
            for last in range(index + 1, min(index + _MOST_RUN, len(read))):
                end = read[last][1]
                if joined in normalise_for_model(text[start:end]).replace(" ", ""):
                    return Place(path, start, end, text[start:end])
    return None
