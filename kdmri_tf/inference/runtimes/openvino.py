"""Runs OpenVINO models."""

import functools
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.inference.network_facts import read_export_facts
from kdmri_tf.inference.runtimes.plain_path import plain_path
from kdmri_tf.inference.runtimes.runtime import Runtime, import_library
from kdmri_tf.inference.runtimes.signature import Tensor, check_signature, tensor

OPENVINO_FILE = "model.xml"
SHAPES_KEPT = 8


class OpenVINORuntime(Runtime):
    """Runs an OpenVINO model on the CPU, one call at a time.

    The model is compiled anew for every shape of a batch, which takes half a second: compiled once
    for all shapes it would be a third slower. The last few are kept.
    """

    format = "openvino"

    def __init__(self, path: Path, num_threads: int | None) -> None:
        openvino = import_library("openvino", path)
        core = openvino.Core()
        with plain_path(path) as plain:
            model = core.read_model(plain / OPENVINO_FILE)
        settings = {
            "EXECUTION_MODE_HINT": "ACCURACY",  # the precisions that the model has
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": num_threads or num_cores(),
            "ENABLE_CPU_PINNING": False,  # or several processes share the first cores
        }
        self._turn = threading.Lock()
        if not model.has_rt_info(["metadata"]):
            raise ValueError("it has no metadata: kdmri export makes folders that have it")
        self.metadata = read_export_facts(model.get_rt_info(["metadata"]).astype(str))
        self.input_names = self.metadata["inputs"]
        compiled = functools.partial(_compile, core, model, settings, self.input_names)
        self._request = functools.lru_cache(maxsize=SHAPES_KEPT)(compiled)
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")
        check_signature(_tensors(model.inputs), _tensors(model.outputs), self.metadata)

    @staticmethod
    def opens(path: Path) -> bool:
        return (path / OPENVINO_FILE).is_file()

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        with self._turn:
            request = self._request(tuple(arrays[name].shape for name in self.input_names))
            return np.asarray(request.infer(arrays, share_inputs=True)["image"])


def _compile(
    core: Any,
    model: Any,
    settings: dict[str, object],
    names: list[str],
    shapes: tuple[tuple[int, ...], ...],
) -> Any:
    """Returns an inference request for inputs of these shapes."""
    model = model.clone()
    model.reshape(dict(zip(names, map(list, shapes), strict=True)))
    return core.compile_model(model, "CPU", settings).create_infer_request()


def _tensors(ports: Any) -> dict[str, Tensor]:
    """Describes the inputs or outputs of a model by all their names."""
    tensors = {}
    for port in ports:
        dtype, shape = port.get_element_type(), port.get_partial_shape()
        sizes = None
        if shape.rank.is_static:
            sizes = [size.get_length() if size.is_static else None for size in shape]
        for name in port.get_names():
            tensors[name] = tensor("float32" if dtype.get_type_name() == "f32" else dtype, sizes)
    return tensors
