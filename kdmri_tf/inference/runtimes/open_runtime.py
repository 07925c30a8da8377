"""Chooses the runtime for a network by what lies at its path."""

from pathlib import Path

from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.inference.runtimes.keras import KerasRuntime
from kdmri_tf.inference.runtimes.litert import LiteRTRuntime
from kdmri_tf.inference.runtimes.onnx import ONNXRuntime
from kdmri_tf.inference.runtimes.openvino import OpenVINORuntime
from kdmri_tf.inference.runtimes.runtime import Runtime, import_library
from kdmri_tf.inference.runtimes.saved_model import SavedModelRuntime
from kdmri_tf.zoo.listing import check_shipped, is_shipped, looks_like_name

RUNTIMES: tuple[type[Runtime], ...] = (
    KerasRuntime,
    SavedModelRuntime,
    LiteRTRuntime,
    ONNXRuntime,
    OpenVINORuntime,
)


def open_runtime(path: Path | str, num_threads: int | None = None) -> Runtime:
    """Opens a network in the runtime of its format.

    Args:
        path: `.keras`, `.tflite` or `.onnx` file, the folder of a SavedModel or OpenVINO model, or
            a name of the zoo, of which there is no such folder here.
        num_threads: threads of one call; None for all cores.

    Raises:
        InputError: there is nothing, it is damaged, its library is not installed, the number of
            threads is below 1, or a number is given for TensorFlow.
    """
    path = Path(path)
    runtime = runtime_for(path)
    if num_threads is not None and num_threads < 1:
        raise InputError(f"num_threads must be 1 or more, not {num_threads}.")
    if runtime.is_tensorflow and num_threads is not None:
        raise InputError(
            f"{path} runs in TensorFlow, which has one number of threads for the whole process: "
            "set it with tf.config.threading, and leave num_threads out."
        )
    if runtime.is_tensorflow:
        import_library("tensorflow", path)
    try:
        return runtime(path, num_threads)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # each library raises its own types on a damaged file
        raise InputError(f"{path} is not a readable model ({in_one_line(error)}).") from error


def runtime_for(path: Path | str) -> type[Runtime]:
    """Returns the class that runs what lies at a path, or else what the zoo has of that name.

    Raises:
        InputError: there is nothing, or it is no network.
    """
    path = Path(path)
    exists = path.exists()
    for runtime in RUNTIMES:
        if exists and runtime.opens(path):
            return runtime
    if is_shipped(path):
        return KerasRuntime
    if not exists:
        if looks_like_name(path):
            check_shipped(str(path))
        raise InputError(f"There is no model {path}.")
    raise InputError(
        f"{path} is not a network: give a .keras, .tflite or .onnx file, or the folder of a "
        "SavedModel or OpenVINO model."
    )
