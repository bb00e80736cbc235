"""Run an ONNX graph: the only module that knows onnxruntime.

Place in the flow: `service.classifier.classifier` hands over hashed n-grams and gets the sums' results back. One
thread runs one call: the worker scales with executor threads, one a core, and onnxruntime releases the GIL. Spinning
is off, since a spinning thread takes a core from Kafka's. The arena grows by what is asked for, and the caller bounds
a call.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

# onnxruntime sends events to its makers unless it is told not to before it is loaded; whoever wants that says so.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

from service.classifier.features import Features
from service.classifier.manifest import ModelLoadError

INPUTS = ("buckets", "rows", "shape")
PROBABILITIES = "probabilities"
# columns of the table: labels, unused ones, and the squared idf in the last; one AVX-512 register of float32
WIDTH = 16


class LinearSession:
    """An open session of a stage-A graph; safe to share between threads."""

    def __init__(self, content: bytes, place: str) -> None:
        """Open a graph from its bytes; `place` names the file in errors.

        Raises:
            ModelLoadError: onnxruntime refuses it, or its inputs and outputs are not stage A's.

        """
        try:
            self._session: Any = onnxruntime.InferenceSession(
                content,
                sess_options=_single_threaded(),
                providers=[("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})],
            )
        except Exception as error:
            raise ModelLoadError(f"{place}: onnxruntime cannot open it ({error}); run `make model`") from error
        names = tuple(value.name for value in self._session.get_inputs())
        outputs = {value.name: value.shape for value in self._session.get_outputs()}
        if names != INPUTS or PROBABILITIES not in outputs:
            raise ModelLoadError(
                f"{place}: inputs {names} and outputs {tuple(outputs)} are not stage A's; run `make model`"
            )
        self.label_count = int(outputs[PROBABILITIES][1])

    def score(self, features: Features, texts: int) -> NDArray[np.float32]:
        """Give calibrated probabilities, shape (texts, labels)."""
        shape = np.array([texts, WIDTH], dtype=np.int64)
        inputs = dict(zip(INPUTS, (features.buckets, features.rows, shape), strict=True))
        probabilities: NDArray[np.float32] = self._session.run([PROBABILITIES], inputs)[0]
        return probabilities


def _single_threaded() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
