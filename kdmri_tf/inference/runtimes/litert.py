"""Runs LiteRT files."""

import json
import threading
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.inference.runtimes.runtime import METADATA_FILE, Runtime, import_library


class LiteRTRuntime(Runtime):
    """Runs a LiteRT file in the plain interpreter, which serves one call at a time."""

    format = "litert"

    def __init__(self, path: Path, num_threads: int | None) -> None:
        interpreter = import_library("ai_edge_litert.interpreter", path)
        with zipfile.ZipFile(path) as archive:  # LiteRT's own place for files that go along
            self.metadata = json.loads(archive.read(METADATA_FILE))
        self._interpreter = interpreter.Interpreter(
            model_path=str(path), num_threads=num_threads or num_cores()
        )
        self._signature = self._interpreter.get_signature_runner()
        self._turn = threading.Lock()
        self.input_names = self.metadata["inputs"]
        height, width = self.metadata["exported_image_size"]
        self.image_size = height, width
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")

    @staticmethod
    def opens(path: Path) -> bool:
        return path.suffix == ".tflite"

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        with self._turn:
            return np.array(self._signature(**arrays)["image"])
