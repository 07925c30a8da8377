"""What every runtime of a network offers, whatever the format."""

import abc
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError

METADATA_FILE = "metadata.json"


class Runtime(abc.ABC):
    """Runs the network in one file or folder.

    Attributes:
        format: "keras", "saved_model", "litert", "onnx" or "openvino".
        is_tensorflow: whether TensorFlow runs it, whose threads are set once for the process.
        metadata: the facts that travel with the network.
        input_names: in the order of the network's inputs.
        image_size: (H, W) if it takes no other size, else None.
        phase_encode_axis: the axis of the only masks it takes, else None.
    """

    format: ClassVar[str]
    is_tensorflow: ClassVar[bool] = False
    metadata: dict[str, Any]
    input_names: list[str]
    image_size: tuple[int, int] | None = None
    phase_encode_axis: int | None = None

    @abc.abstractmethod
    def __init__(self, path: Path, num_threads: int | None) -> None:
        """Opens the network; `num_threads` of one call is None for all cores."""

    @staticmethod
    @abc.abstractmethod
    def opens(path: Path) -> bool:
        """Tells whether this class runs what lies at the path, judging by names alone."""

    @abc.abstractmethod
    def run(self, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Returns the image `(batch, H, W, C)` for inputs by their names."""


def import_library(module: str, path: Path) -> ModuleType:
    """Imports the library that runs a format.

    Args:
        module: to import.
        path: of the network, for the error message.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0].replace("_", "-")
        raise InputError(
            f"{path} needs the package {package}, which is not installed: run pip install "
            f"{package}."
        ) from error
