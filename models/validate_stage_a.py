"""Judge stage A from outside: each source in turn takes no part, then its texts are scored.

Place in the flow: run by hand after training, `python -m models.validate_stage_a --data DIR`; writes
`validation.json` beside the model and the card anew. The fits are those of `models.train_stage_a`, less one source;
the idf alone has seen all sources. Takes about half an hour on one core.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.calibration import ALLOWED_FPR, measure
from models.card import VALIDATION_NAME, write_card
from models.data import CALIBRATION_FOLD, COMMERCIAL, EXCLUDED_SOURCES, TEST_FOLD, UNKNOWN, Texts, find_data, read_texts
from models.linear import Rows, count_ngrams, cut, fit_idf, fit_policy, weigh
from models.train_stage_a import POLICIES, SHIPPED, calibrate, describe_files, is_training, say
from service.classifier.manifest import current_features
from service.text.model_text import NORMALISER_VERSION, normalise_for_model

FEWEST = 30  # texts of a class below which a figure says little
FEWEST_COMMERCIAL = 500  # of a rare event's share
LEVELS = (0.5, 0.9)
Bools = NDArray[np.bool_]


def main(arguments: Sequence[str] | None = None) -> None:
    """Leave each source out in turn and write what comes of it."""
    parser = argparse.ArgumentParser(
        prog="python -m models.validate_stage_a", description="Judge stage A from outside."
    )
    parser.add_argument("--data", type=Path, help="directory of the training data; else the variable SLUICE_DATA")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the model's directory")
    options = parser.parse_args(arguments)
    directory = find_data(options.data)
    with threadpool_limits(1):
        outside = Outside(read_texts(directory, POLICIES))
        figures = {"left_out": list(leave_out(outside)), "commercial": list(score_commerce(outside))}
    result = {"made_from": describe_origin(directory)} | figures
    (options.out / VALIDATION_NAME).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    write_card(options.out)


def describe_origin(directory: Path) -> dict[str, object]:
    """Say what the figures were made from; the card shows them beside a model that was made from the same."""
    return {
        "normaliser_version": NORMALISER_VERSION,
        "features": current_features().model_dump(),
        "training_data": describe_files(directory),
    }


class Outside:
    """Scores of each policy by a fit without one source; a fit that was made is kept."""

    def __init__(self, data: Texts) -> None:
        """Hash all texts; those of excluded sources are scored, never fitted."""
        self.data = data
        self.fitting = ~np.isin(data.sources, sorted(EXCLUDED_SOURCES))
        texts = [normalise_for_model(text) for text in data.texts]
        counts = count_ngrams(texts)
        idf = fit_idf(counts[self.fitting & is_training(data)])
        self.rows: Rows = weigh(counts, idf)
        self.windows = cut(texts, idf)
        self._kept: dict[tuple[str, str], NDArray[np.float64]] = {}

    def score(self, policy: str, source: str) -> NDArray[np.float64]:
        """Give probabilities of all texts, shape (n,), by a fit and a calibration that saw nothing of `source`."""
        absent = "" if source in EXCLUDED_SOURCES else source
        if (policy, absent) not in self._kept:
            say(f"fitting {policy} without {absent or 'the excluded sources'}")
            truth = np.where(self.fitting & (self.data.sources != absent), self.truth(policy), UNKNOWN).astype(np.int8)
            weight, bias = fit_policy(self.rows, self.data.sources, truth, is_training(self.data))
            logits = self.windows.score(weight, bias)
            held_out = self.data.folds == CALIBRATION_FOLD
            platt = calibrate(logits[held_out], truth[held_out], self.data.sources[held_out])
            self._kept[policy, absent] = platt.apply(logits)
        return self._kept[policy, absent]

    def truth(self, policy: str) -> NDArray[np.int8]:
        """Give a policy's labels, shape (n,)."""
        return self.data.labels[:, self.data.policies.index(policy)]


def leave_out(outside: Outside) -> Iterator[dict[str, object]]:
    """Measure each policy on each source with enough positives, if other sources have some in its language, too.

    Hashed n-grams carry nothing from one language to another: the figure for a language unseen would be chance.
    """
    sources, languages = outside.data.sources, outside.data.languages
    for policy in POLICIES:
        truth = outside.truth(policy)
        for source in sorted(set(sources[truth == 1].tolist())):
            of_source = sources == source
            language = max(set(spoken := languages[of_source & (truth == 1)].tolist()), key=spoken.count)
            others = outside.fitting & ~of_source & (truth == 1) & (languages == language)
            if (of_source & (truth == 1)).sum() < FEWEST or others.sum() < FEWEST:
                continue
            yield {"policy": policy, "source": source} | _measure_source(outside, policy, source)


def _measure_source(outside: Outside, policy: str, source: str) -> dict[str, object]:
    truth, of_source = outside.truth(policy), outside.data.sources == source
    own = of_source & (truth == 0)
    foreign = own.sum() < FEWEST
    negatives = outside.fitting & (truth == 0) & (outside.data.folds == TEST_FOLD) & ~of_source if foreign else own
    chosen = negatives | (of_source & (truth == 1))
    figures = measure(outside.score(policy, source)[chosen], truth[chosen], np.ones(int(chosen.sum())))
    return {
        "positives": figures["positives"],
        "negatives": int(negatives.sum()),
        "negatives from": "others" if foreign else "itself",
        "auc": figures["auc"],
        f"recall at {ALLOWED_FPR} FPR": figures["recall_at_1pct_fpr"],
    }


def score_commerce(outside: Outside) -> Iterator[dict[str, object]]:
    """Score each source's clean commercial texts by fits without that source."""
    for source in sorted(COMMERCIAL):
        chosen = outside.data.commercial & (outside.data.sources == source)
        if chosen.sum() < FEWEST_COMMERCIAL:
            continue
        scores = np.stack([outside.score(policy, source)[chosen] for policy in POLICIES], axis=1)
        highest = scores.max(axis=1)
        shares = (scores >= LEVELS[0]).mean(axis=0)
        yield {
            "source": source,
            "texts": len(highest),
            **{f"any at {level}": round(float((highest >= level).mean()), 4) for level in LEVELS},
            "policy most often": POLICIES[int(shares.argmax())],
            "its share": round(float(shares.max()), 4),
            "99th percentile": round(float(np.quantile(highest, 0.99)), 3),
        }


if __name__ == "__main__":
    main()
