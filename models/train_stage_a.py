"""Train stage A, the first classifier, and write it where it ships: `python -m models.train_stage_a --data DIR`.

The steps: read, normalise and hash the texts; fit the idf and one weighted logistic regression a policy on eight
folds of ten; calibrate on the ninth; write the ONNX graph and check it against numpy; measure the ONNX file itself on
the tenth; write manifest and card. The seed is the texts' own hash (the folds), nothing is drawn by chance: the same
data, library versions and kind of CPU give the same file.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.calibration import PRIOR, Platt, fit_platt, measure
from models.card import write_card
from models.data import (
    CALIBRATION_FOLD,
    EXCLUDED_SOURCES,
    FILES,
    TEST_FOLD,
    UNKNOWN,
    Texts,
    find_data,
    hash_file,
    read_texts,
)
from models.export import Linear, build_graph, compute_plainly, quantise
from models.linear import balance, count_ngrams, cut, fit_idf, fit_policy, weigh
from service.classifier import Classifier, load_classifier
from service.classifier.features import hash_ngrams
from service.classifier.manifest import MANIFEST_NAME, OPSET, current_features
from service.classifier.windows import WINDOW_CHARS
from service.text.model_text import NORMALISER_VERSION, normalise_for_model

# counterfeit, self_harm and violence are left to the rules: see the card
POLICIES = (
    "hate_harassment",
    "clickbait",
    "spam",
    "gambling",
    "political_issue",
    "alcohol_tobacco",
    "misleading_health",
    "illegal_drugs",
    "scam_fraud",
    "phishing",
    "weapons",
    "adult_sexual",
)
NAME = "stage_a"
FILE = "model.onnx"
SHIPPED = Path(__file__).resolve().parent / NAME
CHECK_STEP = 101  # every so many-th text is compared
TOLERANCE = 1e-5  # between float32 and float64 probabilities
BATCH = 256


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the model."""
    options = _parse(arguments)
    directory = find_data(options.data)
    data = read_texts(directory, POLICIES, EXCLUDED_SOURCES)
    say(f"{len(data.texts)} texts of {len(np.unique(data.sources))} sources")
    with threadpool_limits(1):  # a sum that is split over threads ends in other bits
        linear = fit(data)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / FILE).write_bytes(build_graph(linear))
    manifest = _describe(options.out, directory, data, linear)
    _write_manifest(options.out, manifest)
    classifier = load_classifier(options.out)
    _check_against_numpy(classifier, linear, data)
    manifest["metrics"] = _measure(classifier, data)
    _write_manifest(options.out, manifest)
    load_classifier(options.out)
    write_card(options.out)
    say(f"{options.out / FILE}: sha256 {classifier.model_hash}")


def fit(data: Texts) -> Linear:
    """Fit and calibrate every policy on the folds that are for it."""
    training, held_out = is_training(data), np.flatnonzero(data.folds == CALIBRATION_FOLD)
    texts = [normalise_for_model(text) for text in data.texts]
    counts = count_ngrams(texts)
    idf = fit_idf(counts[training])
    rows = weigh(counts, idf)
    windows = cut([texts[number] for number in held_out.tolist()], idf)
    weights, biases, platts = [], [], []
    for column, policy in enumerate(data.policies):
        truth = data.labels[:, column]
        weight, bias = fit_policy(rows, data.sources, truth, training)
        platts.append(calibrate(windows.score(weight, bias), truth[held_out], data.sources[held_out]))
        weights.append(weight)
        biases.append(bias)
        say(f"fitted {policy}")
    return quantise(np.stack(weights), np.array(biases, np.float32), idf, platts)


def is_training(data: Texts) -> NDArray[np.bool_]:
    """Say which texts may be fitted: those outside the two held-out folds."""
    chosen: NDArray[np.bool_] = (data.folds != TEST_FOLD) & (data.folds != CALIBRATION_FOLD)
    return chosen


def calibrate(logits: NDArray[np.float64], truth: NDArray[np.int8], sources: NDArray[np.str_]) -> Platt:
    """Calibrate one policy on texts that its fit has not seen, as serving scores them; unknown labels are left out."""
    known = truth != UNKNOWN
    return fit_platt(logits[known], truth[known], balance(sources[known], truth[known], PRIOR))


def describe_files(directory: Path) -> list[dict[str, str]]:
    """Name the files of training data and their hashes, as the manifest does."""
    return [{"name": file, "sha256": hash_file(directory / file)} for file in FILES]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.train_stage_a", description="Train and write stage A.")
    parser.add_argument("--data", type=Path, help="directory of the training data; else the variable SLUICE_DATA")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="directory to write the model to")
    return parser.parse_args(arguments)


def say(line: str) -> None:
    """Say how far the training is."""
    print(line, file=sys.stderr, flush=True)


def _describe(out: Path, directory: Path, data: Texts, linear: Linear) -> dict[str, object]:
    """Describe the model as its manifest does; the metrics are filled in when the written file has been measured."""
    blank = {"texts": 0, "positives": 0, "auc": 0, "average_precision": 0, "recall_at_1pct_fpr": 0, "ece": 0}
    return {
        "format_version": 1,
        "name": NAME,
        "file": FILE,
        "sha256": hashlib.sha256((out / FILE).read_bytes()).hexdigest(),
        "opset": OPSET,
        "labels": list(data.policies),
        "normaliser_version": NORMALISER_VERSION,
        "features": current_features().model_dump(),
        "calibration_prior": PRIOR,
        "calibration": {
            policy: {"slope": float(slope), "offset": float(offset)}
            for policy, slope, offset in zip(data.policies, linear.slopes, linear.offsets, strict=True)
        },
        "training_data": describe_files(directory),
        "training_texts": len(data.texts),
        "left_out_sources": sorted(EXCLUDED_SOURCES),
        "metrics": dict.fromkeys(data.policies, blank),
    }


def _write_manifest(out: Path, manifest: dict[str, object]) -> None:
    (out / MANIFEST_NAME).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")


def _score(classifier: Classifier, texts: Sequence[str]) -> NDArray[np.float64]:
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    scored = [classifier.score([normalise_for_model(text) for text in batch]) for batch in batches]
    return np.concatenate(scored).astype(np.float64)


def _measure(classifier: Classifier, data: Texts) -> dict[str, dict[str, float | int]]:
    """Measure the written file, through the code that serves it, on the fold that neither fit nor calibration saw."""
    held_out = np.flatnonzero(data.folds == TEST_FOLD).tolist()
    scores = _score(classifier, [data.texts[number] for number in held_out])
    metrics = {}
    for column, policy in enumerate(data.policies):
        truth = data.labels[held_out, column]
        known = truth != UNKNOWN
        weights = balance(data.sources[held_out][known], truth[known], PRIOR)
        metrics[policy] = measure(scores[known, column], truth[known], weights)
        say(f"{policy}: {metrics[policy]}")
    return metrics


def _check_against_numpy(classifier: Classifier, linear: Linear, data: Texts) -> None:
    """Stop when the written file does not compute what numpy computes from the same numbers."""
    texts = [normalise_for_model(text) for text in data.texts[::CHECK_STEP]]
    texts = [text for text in texts if len(text) <= WINDOW_CHARS]
    expected = np.stack([compute_plainly(linear, hash_ngrams([text]).buckets) for text in texts])
    gap = float(np.abs(expected - classifier.score(texts)).max())
    if gap > TOLERANCE:
        sys.exit(f"the ONNX file and numpy differ by {gap}; the graph is wrong: nothing of it may ship")
    say(f"ONNX and numpy agree on {len(texts)} texts within {gap:.1e}")


if __name__ == "__main__":
    main()
