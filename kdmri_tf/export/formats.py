"""The formats of exported networks, and what is asked of an export before any work."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.inference.runtimes.openvino import OPENVINO_FILE
from kdmri_tf.inference.runtimes.saved_model import EXTRA_ASSETS, SAVED_MODEL_FILE


@dataclass(frozen=True)
class Format:
    """Describes a format of exported networks.

    Attributes:
        suffix: of its files, or "" for a folder.
        contents: of such a folder; the first identifies it.
        packages: needed to make and to run one, beside TensorFlow.
        reductions: precisions that it can be reduced to.
        needs_lines: whether it has no FFT, so that masks have whole lines along one axis.
        needs_size: whether height and width are fixed.
    """

    suffix: str
    contents: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    reductions: tuple[str, ...] = ("float16", "int8")
    needs_lines: bool = True
    needs_size: bool = False


FORMATS = {
    "saved_model": Format(
        "",
        (SAVED_MODEL_FILE, "fingerprint.pb", "variables", "assets", EXTRA_ASSETS),
        reductions=("bfloat16",),
        needs_lines=False,
    ),
    "litert": Format(".tflite", packages=("ai_edge_litert", "ai_edge_quantizer"), needs_size=True),
    "onnx": Format(".onnx", packages=("onnx", "onnxruntime", "tf2onnx")),
    "openvino": Format(
        "", (OPENVINO_FILE, "model.bin"), packages=("openvino",), reductions=("bfloat16",)
    ),
}

# What readers take for a file by its name.
SUFFIXES_OF_FILES = (".keras", ".tflite", ".onnx", ".xml", ".bin", ".pb", ".h5", ".hdf5")


def output_beside(model_path: Path | str, format: str, quantize: str | None) -> Path:
    """Returns where an export goes by default, such as `model-int8.tflite` beside the model."""
    model_path, suffix = Path(model_path), FORMATS[format].suffix
    name = model_path.stem if suffix else format
    return model_path.with_name(f"{name}{f'-{quantize}' if quantize else ''}{suffix}")


def check_request(path: Path | str, format: str, quantize: str | None) -> None:
    """Refuses an export that cannot be made.

    Args:
        path: to write.
        format: key of `FORMATS`.
        quantize: one of its reductions, or None.

    Raises:
        InputError: an unknown format or reduction, a package that is not installed, or a path that
            is in use or in no folder.
    """
    if format not in FORMATS:
        raise InputError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    kind, path = FORMATS[format], Path(path).absolute()  # "." has a name then
    if quantize is not None and quantize not in kind.reductions:
        raise InputError(
            f"{format} cannot be reduced to {quantize!r}: choose one of "
            f"{', '.join(kind.reductions)}, or leave it out."
        )
    missing = [name for name in kind.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Exporting {format} needs {' and '.join(missing)}: run pip install "
            f'"kdmri_tf[{format}]".'
        )
    if kind.suffix and path.suffix != kind.suffix:
        raise InputError(f"A {format} file must be named *{kind.suffix}, not {path.name}.")
    if not kind.suffix and path.suffix.lower() in SUFFIXES_OF_FILES:
        raise InputError(
            f"A {format} export is a folder of files such as {kind.contents[0]}, and {path.name} "
            f"would look like a file: call it {path.stem}."
        )
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} to export {path.name} to.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} cannot be written to; choose another output.")
    if path.exists() and not _is_export(path, kind):
        raise InputError(
            f"{path} exists and is not in the format {format}; choose another path to export to."
        )


def _is_export(path: Path, kind: Format) -> bool:
    """Tells whether what lies there may be replaced."""
    if kind.suffix or not path.is_dir():
        return bool(kind.suffix) and path.is_file()
    names = {entry.name for entry in path.iterdir()}
    return not names or (kind.contents[0] in names and names <= set(kind.contents))
