"""Runs SavedModels."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.inference.runtimes.runtime import METADATA_FILE, Runtime

SAVED_MODEL_FILE = "saved_model.pb"
EXTRA_ASSETS = "assets.extra"  # SavedModel's own folder for files that go along


class SavedModelRuntime(Runtime):
    """Runs a SavedModel in TensorFlow, without the code of its network."""

    format, is_tensorflow = "saved_model", True

    def __init__(self, path: Path, num_threads: int | None) -> None:
        import tensorflow as tf

        self._tensorflow = tf
        self._model = tf.saved_model.load(str(path))  # its variables live as long as it does
        self._signature = self._model.signatures["serving_default"]
        self.metadata = json.loads((path / EXTRA_ASSETS / METADATA_FILE).read_text())
        self.input_names = self.metadata["inputs"]

    @staticmethod
    def opens(path: Path) -> bool:
        return (path / SAVED_MODEL_FILE).is_file()

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        tensors = {name: self._tensorflow.constant(array) for name, array in arrays.items()}
        return np.asarray(self._signature(**tensors)["image"].numpy())
