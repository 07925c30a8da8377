"""Runs SavedModels."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.inference.network_facts import read_export_facts
from kdmri_tf.inference.runtimes.plain_path import plain_path
from kdmri_tf.inference.runtimes.runtime import METADATA_FILE, Runtime
from kdmri_tf.inference.runtimes.signature import check_signature, tensor

SAVED_MODEL_FILE = "saved_model.pb"
SIGNATURE = "serving_default"
EXTRA_ASSETS = "assets.extra"  # SavedModel's own folder for files that go along


class SavedModelRuntime(Runtime):
    """Runs a SavedModel in TensorFlow, without the code of its network."""

    format, is_tensorflow = "saved_model", True

    def __init__(self, path: Path, num_threads: int | None) -> None:
        import tensorflow as tf

        self._tensorflow = tf
        facts = path / EXTRA_ASSETS / METADATA_FILE
        if not facts.is_file():  # before anything of a foreign one runs
            raise ValueError("it has no metadata: kdmri export makes folders that have it")
        self.metadata = read_export_facts(facts.read_bytes())
        self.input_names = self.metadata["inputs"]
        with plain_path(path) as plain:
            self._model = tf.saved_model.load(str(plain))  # its variables live as long as it does
        if SIGNATURE not in self._model.signatures:
            raise ValueError(f"it has no signature {SIGNATURE}")
        self._signature = self._model.signatures[SIGNATURE]
        inputs, outputs = (
            {name: tensor(spec.dtype.name, _sizes(spec.shape)) for name, spec in specs.items()}
            for specs in (
                self._signature.structured_input_signature[1],
                self._signature.structured_outputs,
            )
        )
        check_signature(inputs, outputs, self.metadata)

    @staticmethod
    def opens(path: Path) -> bool:
        return (path / SAVED_MODEL_FILE).is_file()

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        tensors = {name: self._tensorflow.constant(array) for name, array in arrays.items()}
        return np.asarray(self._signature(**tensors)["image"].numpy())


def _sizes(shape: Any) -> list[int | None] | None:
    return None if shape.rank is None else shape.as_list()
