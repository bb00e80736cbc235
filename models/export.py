"""Write stage A as an ONNX graph, operator by operator.

Place in the flow: after fitting and calibration. The graph looks up each n-gram's row of an int8 table, sums the rows
of a text, divides by the text's norm (its squared idf are the table's last column), adds the bias and calibrates.
Whole numbers are summed, so the sum is exact and its order is free. Texts become n-grams outside: no converter writes
the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.calibration import Platt
from models.linear import Idf
from service.classifier.features import BUCKETS
from service.classifier.manifest import OPSET
from service.classifier.session import INPUTS, PROBABILITIES, WIDTH

IR_VERSION = 9
INT8_STEPS = 127
KEPT_SHARE = 0.9999  # of a label's weights are inside the int8 range; the few beyond are clipped to its ends


@dataclass(frozen=True, slots=True)
class Linear:
    """Everything the graph holds; `table` of shape (BUCKETS, WIDTH), `scales` of (WIDTH,), the rest of (labels,)."""

    table: NDArray[np.int8]
    scales: NDArray[np.float32]
    biases: NDArray[np.float32]
    slopes: NDArray[np.float32]
    offsets: NDArray[np.float32]


def quantise(weights: NDArray[np.float32], biases: NDArray[np.float32], idf: Idf, platts: Sequence[Platt]) -> Linear:
    """Round weights, shape (labels, BUCKETS), to int8.

    A label's column holds weight * idf in steps of its scale; the last column holds the squared idf's steps.
    """
    table = np.zeros((BUCKETS, WIDTH), dtype=np.int8)
    scales = np.ones(WIDTH, dtype=np.float32)
    root = np.sqrt(idf.steps.astype(np.float64) * idf.unit)
    for column, weight in enumerate(weights):
        entries = weight * root
        scales[column] = np.quantile(np.abs(entries), KEPT_SHARE) / INT8_STEPS
        table[:, column] = np.clip(np.rint(entries / scales[column]), -INT8_STEPS, INT8_STEPS)
    table[:, -1] = idf.steps
    scales[-1] = idf.unit
    slopes, offsets = (np.array(values, np.float32) for values in zip(*platts, strict=True))
    return Linear(table, scales, biases, slopes, offsets)


def compute_plainly(linear: Linear, buckets: NDArray[np.int32]) -> NDArray[np.float64]:
    """Compute what the graph must give for one text's n-grams, in numpy: probabilities of shape (labels,)."""
    sums = linear.table[buckets].astype(np.float64).sum(axis=0) * linear.scales
    norm = np.sqrt(max(float(sums[-1]), float(linear.scales[-1])))
    logits = sums[: len(linear.biases)] / norm + linear.biases
    return np.asarray(1 / (1 + np.exp(-(logits * linear.slopes + linear.offsets))))


def build_graph(linear: Linear) -> bytes:
    """Build the graph and give its bytes; they depend on the numbers alone."""
    labels = len(linear.biases)
    # the norm's scale goes under the root, so the labels' columns are divided by it once
    constants = {
        "table": linear.table,
        "scale": np.where(np.arange(WIDTH) < labels, linear.scales, 0).astype(np.float32),
        "idf_unit": linear.scales[-1:],
        "one": np.ones(1, np.float32),
        "bias": _pad(linear.biases),
        "slope": _pad(linear.slopes),
        "offset": _pad(linear.offsets),
        "norm_column": np.array([WIDTH - 1], np.int64),
        "zero_int": np.zeros(1, np.int64),
        "labels_int": np.array([labels], np.int64),
        "axis_1": np.ones(1, np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "buckets"], ["steps"], axis=0),
        helper.make_node("Cast", ["steps"], ["whole_steps"], to=TensorProto.FLOAT),
        helper.make_node(
            "ConstantOfShape", ["shape"], ["zeros"], value=helper.make_tensor("z", TensorProto.FLOAT, [1], [0])
        ),
        helper.make_node("Unsqueeze", ["rows", "axis_1"], ["places"]),
        helper.make_node("ScatterND", ["zeros", "places", "whole_steps"], ["sums"], reduction="add"),
        helper.make_node("Gather", ["sums", "norm_column"], ["idf_steps"], axis=1),
        helper.make_node("Max", ["idf_steps", "one"], ["some_steps"]),  # an empty text has no n-grams
        helper.make_node("Mul", ["some_steps", "idf_unit"], ["squared_norm"]),
        helper.make_node("Sqrt", ["squared_norm"], ["norm"]),
        helper.make_node("Mul", ["sums", "scale"], ["scaled"]),
        helper.make_node("Div", ["scaled", "norm"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["logits"]),
        helper.make_node("Mul", ["logits", "slope"], ["stretched"]),
        helper.make_node("Add", ["stretched", "offset"], ["calibrated"]),
        # all WIDTH columns at once: whole registers, so that a row's place in the batch cannot change its bits
        helper.make_node("Sigmoid", ["calibrated"], ["all_probabilities"]),
        helper.make_node("Slice", ["all_probabilities", "zero_int", "labels_int", "axis_1"], [PROBABILITIES]),
    ]
    types = (TensorProto.INT32, TensorProto.INT64, TensorProto.INT64)
    graph = helper.make_graph(
        nodes,
        "stage_a",
        [
            helper.make_tensor_value_info(name, kind, [size])
            for name, kind, size in zip(INPUTS, types, ("m", "m", 2), strict=True)
        ],
        [helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["texts", labels])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, producer_name="sluice", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _pad(values: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.zeros(WIDTH, np.float32)
    padded[: len(values)] = values
    return padded
