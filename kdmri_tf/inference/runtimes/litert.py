"""Runs LiteRT files."""

import threading
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.inference.network_facts import LARGEST_TEXT, read_export_facts
from kdmri_tf.inference.runtimes.plain_path import plain_path
from kdmri_tf.inference.runtimes.runtime import METADATA_FILE, Runtime, import_library
from kdmri_tf.inference.runtimes.signature import check_signature, tensor


class LiteRTRuntime(Runtime):
    """Runs a LiteRT file in the plain interpreter, which serves one call at a time."""

    format = "litert"

    def __init__(self, path: Path, num_threads: int | None) -> None:
        interpreter = import_library("ai_edge_litert.interpreter", path)
        self.metadata = read_export_facts(_metadata(path))
        if self.metadata.get("exported_image_size") is None:
            raise ValueError("its metadata has no exported_image_size")
        with plain_path(path) as plain:
            self._interpreter = interpreter.Interpreter(
                model_path=str(plain), num_threads=num_threads or num_cores()
            )
        self._signature = self._interpreter.get_signature_runner()
        self._turn = threading.Lock()
        self.input_names = self.metadata["inputs"]
        height, width = self.metadata["exported_image_size"]
        self.image_size = height, width
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")
        inputs, outputs = (
            {
                name: tensor(np.dtype(found["dtype"]), found["shape_signature"].tolist())
                for name, found in details.items()
            }
            for details in (
                self._signature.get_input_details(),
                self._signature.get_output_details(),
            )
        )
        check_signature(inputs, outputs, self.metadata)

    @staticmethod
    def opens(path: Path) -> bool:
        return path.suffix.lower() == ".tflite"

    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        with self._turn:
            return np.array(self._signature(**arrays)["image"])


def _metadata(path: Path) -> bytes:
    """Reads the metadata from LiteRT's own place for files that go along, a zip archive.

    Raises:
        ValueError: there is none, or it unpacks to more than any metadata has.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError("it is damaged, or has no metadata: kdmri export makes files that have it")
    with zipfile.ZipFile(path) as archive:
        if METADATA_FILE not in archive.namelist():
            raise ValueError("it has no metadata: kdmri export makes files that have it")
        with archive.open(METADATA_FILE) as file:
            text = file.read(LARGEST_TEXT + 1)
    if len(text) > LARGEST_TEXT:
        raise ValueError(f"its metadata unpacks to more than {LARGEST_TEXT:,} bytes")
    return text
