"""Reads what lists and rules are tried on: ordinary ads (JSON Lines of submissions) and everyday words.

Sluice ships both in `deploy/sample`; a team can give its own ads with `--sample`.
"""

from pathlib import Path
from typing import NamedTuple

from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.submission import Submission

ADS_FILE, WORDS_FILE = "ads.jsonl", "words.txt"


class SampleError(ValueError):
    """The sample cannot be read; each line of the text names a place and a remedy."""


class EverydayWord(NamedTuple):
    """A word that no list should find anything in, and its language (ISO 639-1)."""

    text: str
    language: str


class Sample(NamedTuple):
    """Ads that are in order, and words that harm nobody."""

    ads: tuple[Submission, ...]
    words: tuple[EverydayWord, ...]


def load_sample(ads: Path, words: Path) -> Sample:
    """Return the sample in two files. Raises SampleError where one cannot be read or an ad is none."""
    return Sample(_read_ads(ads), _read_words(words))


def _read_ads(path: Path) -> tuple[Submission, ...]:
    ads, faults = [], []
    for number, line in enumerate(_read_bytes(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            ads.append(read_submission(line.rstrip(b"\r"))[0])
        except UnreadableSubmissionError as error:
            faults.append(f"{path}:{number}: {error.dead_letter.message}; mend the ad or remove the line")
    if not ads and not faults:
        faults.append(f"{path}:1: holds no ad; write one submission a line")
    if faults:
        raise SampleError("\n".join(faults))
    return tuple(ads)


def _read_words(path: Path) -> tuple[EverydayWord, ...]:
    words: dict[str, EverydayWord] = {}
    for line in _read_bytes(path).decode("utf-8").splitlines():
        if line and not line.startswith("#"):
            language, *found = line.split()
            for text in found:
                words.setdefault(text, EverydayWord(text, language))
    return tuple(words.values())


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SampleError(f"{path}:1: cannot be opened: {error.strerror}; check the name and rights") from error
