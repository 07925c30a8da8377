"""What runs a trained network: one class a format, each with the same few attributes.

Nothing is imported before a file of its format is opened: LiteRT, ONNX and OpenVINO run without
TensorFlow.
"""

import functools
import importlib
import json
import threading
import zipfile
from pathlib import Path

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.errors import InputError

METADATA_FILE = "metadata.json"
SAVED_MODEL_FILE = "saved_model.pb"
OPENVINO_FILE = "model.xml"


def open_runtime(path, num_threads=None):
    """The runtime of a network, chosen by what lies at the path.

    Args:
        path: `.keras`, `.tflite` or `.onnx` file, or the folder of a SavedModel or OpenVINO model.
        num_threads: of one call; None for all cores.

    Returns:
        An object with

        - `format`: "keras", "saved_model", "litert", "onnx" or "openvino";
        - `metadata`: dictionary;
        - `input_names`: in their order;
        - `image_size`: (H, W) if it takes no other, else None;
        - `phase_encode_axis`: of the only masks it takes, else None;
        - `run(arrays)`: dictionary of float32 arrays to the image, float32 `(batch, H, W, 1)`.

    Raises:
        InputError: there is nothing, it is damaged, its runtime is not installed, the number of
            threads is below 1, or one is given for TensorFlow.
    """
    path = Path(path)
    runtime = runtime_for(path)
    if num_threads is not None and num_threads < 1:
        raise InputError(f"num_threads must be 1 or more, not {num_threads}.")
    if runtime.is_tensorflow and num_threads is not None:
        raise InputError(
            f"{path} runs in TensorFlow, which has one number of threads for all: set it by "
            "tf.config.threading, and leave num_threads out."
        )
    try:
        return runtime(path, num_threads)
    except InputError:
        raise
    except Exception as error:  # each library raises types of its own on a damaged file
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{path} is not a readable model ({reason}).") from error


def runtime_for(path):
    """The class below that opens what lies at the path, as `open_runtime` has it."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no model {path}.")
    for runtime in RUNTIMES:
        if runtime.opens(path):
            return runtime
    raise InputError(
        f"{path} is no network: give a .keras, .tflite or .onnx file, or the folder of a "
        "SavedModel or OpenVINO model."
    )


class KerasRuntime:
    """A network that training saved, compiled once for all sizes: `predict` costs more than it."""

    format, is_tensorflow = "keras", True
    image_size = phase_encode_axis = None

    def __init__(self, path, num_threads):
        from kdmri_tf.networks import inference_form, saved

        network = saved.load_network(path)
        self.metadata = saved.describe(path, network)
        self.input_names = list(network.input_specification)
        self._serve = inference_form.serve(inference_form.inference_copy(network))

    @staticmethod
    def opens(path):
        return path.suffix == ".keras"

    def run(self, arrays):
        return self._serve(*(arrays[name] for name in self.input_names))["image"].numpy()


class SavedModelRuntime:
    """A SavedModel, by TensorFlow alone."""

    format, is_tensorflow = "saved_model", True
    image_size = phase_encode_axis = None

    def __init__(self, path, num_threads):
        import tensorflow as tf

        self._tensorflow = tf
        self._model = tf.saved_model.load(str(path))  # its variables live as long as it does
        self._signature = self._model.signatures["serving_default"]
        self.metadata = json.loads((path / "assets.extra" / METADATA_FILE).read_text())
        self.input_names = self.metadata["inputs"]

    @staticmethod
    def opens(path):
        return (path / SAVED_MODEL_FILE).is_file()

    def run(self, arrays):
        tensors = {name: self._tensorflow.constant(array) for name, array in arrays.items()}
        return self._signature(**tensors)["image"].numpy()


class LiteRTRuntime:
    """A LiteRT file, by the plain interpreter. Calls take turns: an interpreter serves one."""

    format, is_tensorflow = "litert", False

    def __init__(self, path, num_threads):
        interpreter = _import("ai_edge_litert.interpreter", path, "litert")
        with zipfile.ZipFile(path) as archive:  # LiteRT's own place for files that go along
            self.metadata = json.loads(archive.read(METADATA_FILE))
        self._interpreter = interpreter.Interpreter(
            model_path=str(path), num_threads=num_threads or num_cores()
        )
        self._signature = self._interpreter.get_signature_runner()
        self._turn = threading.Lock()
        self.input_names = self.metadata["inputs"]
        self.image_size = tuple(self.metadata["exported_image_size"])
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")

    @staticmethod
    def opens(path):
        return path.suffix == ".tflite"

    def run(self, arrays):
        with self._turn:
            return self._signature(**arrays)["image"].copy()


class ONNXRuntime:
    """An ONNX file, by ONNX Runtime on the CPU."""

    format, is_tensorflow = "onnx", False
    image_size = None

    def __init__(self, path, num_threads):
        runtime = _import("onnxruntime", path, "onnx")
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
    def opens(path):
        return path.suffix == ".onnx"

    def run(self, arrays):
        (image,) = self._session.run(["image"], arrays)
        return image


class OpenVINORuntime:
    """An OpenVINO model, on the CPU. Calls take turns.

    It is compiled for every shape of a batch, which takes half a second, as a form for all shapes
    is a third slower; the last few are kept.
    """

    format, is_tensorflow = "openvino", False
    image_size = None

    def __init__(self, path, num_threads):
        openvino = _import("openvino", path, "openvino")
        core = openvino.Core()
        model = core.read_model(path / OPENVINO_FILE)
        settings = {
            "EXECUTION_MODE_HINT": "ACCURACY",  # the precisions that the model has
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": num_threads or num_cores(),
            "ENABLE_CPU_PINNING": False,  # or several processes share the first cores
        }
        self._turn = threading.Lock()
        self.metadata = json.loads(model.get_rt_info(["metadata"]).astype(str))
        self.input_names = self.metadata["inputs"]
        compiled = functools.partial(_compile_openvino, core, model, settings, self.input_names)
        self._request = functools.lru_cache(maxsize=8)(compiled)
        self.phase_encode_axis = self.metadata.get("exported_phase_encode_axis")

    @staticmethod
    def opens(path):
        return (path / OPENVINO_FILE).is_file()

    def run(self, arrays):
        with self._turn:
            request = self._request(tuple(arrays[name].shape for name in self.input_names))
            return request.infer(arrays, share_inputs=True)["image"]


RUNTIMES = (KerasRuntime, SavedModelRuntime, LiteRTRuntime, ONNXRuntime, OpenVINORuntime)


def _compile_openvino(core, model, settings, names, shapes):
    model = model.clone()
    model.reshape(dict(zip(names, map(list, shapes), strict=True)))
    return core.compile_model(model, "CPU", settings).create_infer_request()


def _import(module, path, extra):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{path} needs the package {module.split('.')[0]}, which is not installed: run pip "
            f'install "kdmri_tf[{extra}]".'
        ) from error
