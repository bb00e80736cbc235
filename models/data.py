"""Read the training texts: one JSON object a line, a policy that a source does not annotate is absent, so unknown.

Place in the flow: the first step of training. Which sources may feed a shipped model is decided here.
"""

import gzip
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

FILES = ("train.jsonl.gz", "extra.jsonl.gz")
FOLDS = 10
TEST_FOLD, CALIBRATION_FOLD = 0, 1

# their licences forbid commercial use or derivatives: never in a shipped model, only to look at it from outside
EXCLUDED_SOURCES = frozenset(
    {"phishing-pot", "ru-topics", "hatebr", "mahahate", "hateeval-hi", "indo-hate", "ja-ads", "unsmile"}
)
UNKNOWN = -1

# Ordinary marketing, by source and how its `raw` begins. Its sources leave some policies open, since in a person's
# inbox marketing may be spam; among ads it is what clean looks like. Texts marked risky are not assumed clean.
COMMERCIAL = {
    "ecommerce": ("lazada", "shopee", "shein", "torob", "promap"),
    "fb-ads": ("commercial",),
    "fbs-sms": ("AD:Retail", "AD:Real_estate", "AD:Network_service"),
    "indo-sms": ("promo",),
    "ja-ads": ("",),
    "job-posts-id": ("",),
    "reddit-deals": (
        "ClothingDeals",
        "DealsReddit",
        "Etsy",
        "GameDeals",
        "KindleFreebies",
        "amazondeals",
        "buildapcsales",
        "coupons",
        "deals",
        "eFreebies",
        "forhire",
        "freebies",
        "gameDevClassifieds",
        "hardwareswap",
        "jobbit",
        "kickstarter",
        "steamdeals",
    ),
    "turkish-sms": ("marketing",),
    "viet-sms": ("legit:brandname",),
}
_RISKY = "risky-vertical"
ASSUMED_CLEAN = frozenset({"spam", "clickbait"})
# Labels that are not used: Indonesian gambling comments, all marked spam, with no clean ones beside them, taught that
# Indonesian is spam (58 % of unseen Indonesian job adverts scored above one half). `gambling` learns them.
LEFT_OPEN = (("judol", "spam"),)


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts with what is known of them; the arrays are of shape (n,), `labels` of (n, policies) in {-1, 0, 1}."""

    texts: Sequence[str]
    commercial: NDArray[np.bool_]
    sources: NDArray[np.str_]
    languages: NDArray[np.str_]
    raws: NDArray[np.str_]
    folds: NDArray[np.int64]
    labels: NDArray[np.int8]
    policies: tuple[str, ...]


def find_data(given: Path | None) -> Path:
    """Find the data directory: the argument, else the environment variable SLUICE_DATA; exit with one line if none."""
    name = str(given) if given else os.environ.get("SLUICE_DATA", "")
    if not name:
        sys.exit("no training data: give --data DIR or set SLUICE_DATA to the directory that holds " + ", ".join(FILES))
    missing = [file for file in FILES if not (Path(name) / file).is_file()]
    if missing:
        sys.exit(f"{name}: {', '.join(missing)} not found there; give --data DIR or set SLUICE_DATA to their directory")
    return Path(name)


def hash_file(path: Path) -> str:
    """Give a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_texts(directory: Path, policies: tuple[str, ...], excluded: frozenset[str] = frozenset()) -> Texts:
    """Read all texts of sources that are not excluded; texts that repeat word for word share a fold."""
    rows = [row for file in FILES for row in _read_rows(directory / file) if row["source"] not in excluded]
    labels = np.array([[row["labels"].get(policy, UNKNOWN) for policy in policies] for row in rows], dtype=np.int8)
    commercial = np.array([is_commercial(row["source"], row["raw"], row["labels"]) for row in rows])
    for column, policy in enumerate(policies):
        for source in (source for source, open_policy in LEFT_OPEN if open_policy == policy):
            labels[[row["source"] == source for row in rows], column] = UNKNOWN
        if policy in ASSUMED_CLEAN:
            labels[commercial & (labels[:, column] == UNKNOWN), column] = 0
    return Texts(
        texts=[row["text"] for row in rows],
        commercial=commercial,
        sources=np.array([row["source"] for row in rows]),
        languages=np.array([row["lang"] for row in rows]),
        raws=np.array([row["raw"] for row in rows]),
        folds=np.array([_fold(row["text"]) for row in rows]),
        labels=labels,
        policies=policies,
    )


def is_commercial(source: str, raw: str, labels: dict[str, int]) -> bool:
    """Say whether a text is ordinary marketing that nobody labelled with a breach."""
    return raw.startswith(COMMERCIAL.get(source, ())) and _RISKY not in raw and 1 not in labels.values()


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as lines:
        for line in lines:
            yield orjson.loads(line)


def _fold(text: str) -> int:
    return xxhash.xxh64_intdigest(" ".join(text.casefold().split()).encode("utf-8", "surrogatepass")) % FOLDS
