"""ONNX Runtime as the engine uses it: one thread a process, because workers are the parallelism."""

from __future__ import annotations

import onnxruntime


def session(model: bytes | str) -> onnxruntime.InferenceSession:
    """A session over a model's bytes or path: one thread, no spinning; its memory is kept from one image to the next, because
    asking the system for it anew costs a tenth of the time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
