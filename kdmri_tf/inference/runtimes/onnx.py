"""Runs ONNX files."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.inference.runtimes.runtime import Runtime, import_library


class ONNXRuntime(Runtime):
    """Runs an ONNX file in ONNX Runtime on the CPU."""

    format = "onnx"

    def __init__(self, path: Path, num_threads: int | None) -> None:
        runtime = import_library("onnxruntime", path)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = num_threads or num_cores()
        self._session = runtime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        properties = self._session.get_modelmeta().custom_metadata_map
        self.metadata = json.loads(properties["metadata"])
        self.input_names = self.metadata["inputs"]
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")

    @staticmethod
    def opens(path: Path) -> bool:
        return path.suffix == ".onnx"

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        (image,) = self._session.run(["image"], arrays)
        return np.asarray(image)
