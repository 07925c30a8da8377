"""Runs ONNX files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.inference.network_facts import read_export_facts
from kdmri_tf.inference.runtimes.plain_path import plain_path
from kdmri_tf.inference.runtimes.runtime import Runtime, import_library
from kdmri_tf.inference.runtimes.signature import check_signature, tensor


class ONNXRuntime(Runtime):
    """Runs an ONNX file in ONNX Runtime on the CPU."""

    format = "onnx"

    def __init__(self, path: Path, num_threads: int | None) -> None:
        runtime = import_library("onnxruntime", path)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = num_threads or num_cores()
        with plain_path(path) as plain:
            self._session = runtime.InferenceSession(
                str(plain), options, providers=["CPUExecutionProvider"]
            )
        properties = self._session.get_modelmeta().custom_metadata_map
        if "metadata" not in properties:
            raise ValueError("it has no metadata: kdmri export makes files that have it")
        self.metadata = read_export_facts(properties["metadata"])
        self.input_names = self.metadata["inputs"]
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")
        inputs, outputs = (
            {found.name: tensor(_dtype(found.type), found.shape) for found in tensors}
            for tensors in (self._session.get_inputs(), self._session.get_outputs())
        )
        check_signature(inputs, outputs, self.metadata)

    @staticmethod
    def opens(path: Path) -> bool:
        return path.suffix.lower() == ".onnx"

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        (image,) = self._session.run(["image"], arrays)
        return np.asarray(image)


def _dtype(name: str) -> str:
    """Returns the dtype that ONNX Runtime calls `name`, by the name that NumPy has for it."""
    return "float32" if name == "tensor(float)" else name
