"""Measures what rules cost: CPU time an ad for views and rules, and what a large bundle takes and gives back.

Views are all readings of an ad's texts, the classifier's among them, and its addresses; rules are the look-up of its
strategy, the lists, the conditions and the evidence. Scores are given: the model is timed elsewhere (`parts.py`).
Memory is measured in a process of its own, `python -m loadtests.rules_cost FOLDER`, as the kernel tells it.
"""

import json
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtests.ads import DEMO, make_ads
from loadtests.large_bundle import make_large_bundle
from loadtests.memory import read_memory
from loadtests.spread import Spread, summarise
from service.contracts.submission import TEXT_FIELDS, Submission
from service.rules import AdView
from service.strategy import Bundle, compile_bundle, load_bundle
from service.worker.collector import give_back_memory

_ROOT = Path(__file__).resolve().parents[1]
_ADS = 1_024
_CHUNK = 256
_SEED = 4
_LAST_LATIN_LETTER = "\u024f"
_SCORE = 0.01


@dataclass(frozen=True)
class RulesCost:
    """Microseconds of CPU an ad: on ads in Latin letters, and on all of the mix."""

    latin_us: Spread
    all_us: Spread


@dataclass(frozen=True)
class BundleFootprint:
    """A large bundle in a process that has a small one: seconds of CPU to compile it and to swap to its next version.

    `taken_bytes` is what the process holds more with it, `peak_bytes` the most while it was compiled, `swapped_bytes`
    with the next version after a swap, `kept_bytes` once it has gone back to the small one; `released` tells that
    nothing holds the large one then.
    """

    load_s: float
    swap_s: float
    taken_bytes: int
    peak_bytes: int
    swapped_bytes: int
    kept_bytes: int
    released: bool


def make_submissions() -> list[Submission]:
    """Return the demo's mix, readable."""
    readable = DEMO.__class__(violating=DEMO.violating, unreadable=0.0, lengthened=DEMO.lengthened)
    return [Submission.model_validate_json(ad) for ad in make_ads(_ADS, datetime.now(UTC), readable, seed=_SEED)]


def is_latin(submission: Submission) -> bool:
    """Tell whether all letters of an ad's prose are Latin ones."""
    prose = "".join(submission.text_of(field) for field in TEXT_FIELDS)
    return all(letter <= _LAST_LATIN_LETTER for letter in filter(str.isalpha, prose))


def measure_rules(bundle: Bundle, labels: Sequence[str], passes: int) -> RulesCost:
    """Return the cost of views and rules; a first pass, to warm up, is thrown away."""
    ads = make_submissions()
    scores = dict.fromkeys(labels, _SCORE)
    latin_ads = [ad for ad in ads if is_latin(ad)]
    latin_us, all_us = ([_run(bundle, scores, some) for _ in range(passes + 1)][1:] for some in (latin_ads, ads))
    return RulesCost(summarise(latin_us), summarise(all_us))


def _run(bundle: Bundle, scores: Mapping[str, float], submissions: Sequence[Submission]) -> float:
    as_of = datetime.now(UTC)
    began_ns = time.process_time_ns()
    for start in range(0, len(submissions), _CHUNK):
        ads = [AdView(submission) for submission in submissions[start : start + _CHUNK]]
        for ad in ads:
            _ = ad.model_text
            bundle.strategy_for(ad.submission, as_of).evaluate_rules([ad], [scores], as_of)
    return (time.process_time_ns() - began_ns) / len(submissions) / 1e3


def measure_footprint(starting: Path) -> BundleFootprint:
    """Return the footprint of the large bundle, from a process of its own."""
    command = [sys.executable, "-m", "loadtests.rules_cost", str(starting)]
    answer = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    return BundleFootprint(**json.loads(answer.stdout.splitlines()[-1]))


def take_footprint(starting: Path) -> BundleFootprint:
    """Load, swap and drop the large bundle in this process."""
    first, second = make_large_bundle(starting), make_large_bundle(starting, version=1)
    small = load_bundle(starting)
    before_bytes, _ = _settle()
    live, load_s = _compile(first, small)
    taken_bytes, peak_bytes = _settle()
    dropped = weakref.ref(live)
    live, swap_s = _compile(second, live)
    swapped_bytes, _ = _settle()
    live = small
    kept_bytes, _ = _settle()
    return BundleFootprint(
        load_s,
        swap_s,
        taken_bytes - before_bytes,
        peak_bytes - before_bytes,
        swapped_bytes - before_bytes,
        kept_bytes - before_bytes,
        released=dropped() is None and live is small,
    )


def _compile(files: Mapping[str, bytes], reuse: Bundle) -> tuple[Bundle, float]:
    began_s = time.process_time()
    bundle = compile_bundle(files, reuse=reuse)
    return bundle, time.process_time() - began_s


def _settle() -> tuple[int, int]:
    """Do what a worker does after a swap, and return what is resident, and what was at the highest."""
    give_back_memory()
    return read_memory(os.getpid())


if __name__ == "__main__":
    print(json.dumps(asdict(take_footprint(Path(sys.argv[1])))))
