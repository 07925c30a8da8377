"""What two runs of a command must have in common, bit for bit: all but what holds times."""

import csv
import gzip
import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kdmri_tf import Reconstructor

# Columns and keys: times, and checksums of records, see `_records`.
TIMES = ("seconds", "milliseconds", "environment", "prepared_files", "metadata_crc32")
# Of these only that they are there: a lock, a plot over milliseconds, a random number.
ONLY_THERE = ("lock", "comparison.png", "fingerprint.pb")
SHAPE = (1, 36, 34, 2)  # of k-space
LAST_COLUMN = re.compile(r"[^|]*\|$")  # of a table


def contents(folder: Path) -> dict[str, str]:
    """Returns a digest of every file below a folder, by its path there, TensorBoard's left out."""
    return {
        str(path.relative_to(folder)): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "tensorboard" not in path.parts
    }


def whole(path: Path) -> dict[str, str]:
    """Returns the same of a file or folder, which may be missing."""
    if path.is_dir():
        return contents(path)
    return {path.name: digest(path)} if path.exists() else {}


def digest(path: Path) -> str:
    """Returns the SHA-256 of what a file says but for times."""
    return hashlib.sha256(_lasting(path)).hexdigest()


def _lasting(path: Path) -> bytes:
    if path.name in ONLY_THERE:
        return b""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            names = sorted(set(archive.namelist()) - {"metadata.json"})  # has the date
            return b"".join(name.encode() + archive.read(name) for name in names)
    if path.name == "saved_model.pb":
        return _image(path.parent)
    if "tfrecord" in path.name:
        return repr(_records(path)).encode()
    reader = READERS.get(path.suffix)
    return path.read_bytes() if reader is None else repr(reader(path)).encode()


def _json(path: Path) -> Any:
    return _without_times(json.loads(path.read_text()))


def _without_times(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if key not in TIMES}
    return value


def _csv(path: Path) -> Any:
    with open(path, newline="") as file:
        return _without_times(list(csv.DictReader(file)))


def _markdown(path: Path) -> Any:
    """Returns the lines, where there is a column of milliseconds without it: it is the last one."""
    lines = path.read_text().splitlines()
    if not any("ms/slice" in line for line in lines):
        return lines
    return [LAST_COLUMN.sub("", line) for line in lines]


def _state(path: Path) -> Any:
    with np.load(path) as state:
        arrays = {name: state[name] for name in sorted(state.files)}
    history = json.loads(str(arrays.pop("history")))
    return _without_times(history), [(n, a.dtype, a.shape, a.tobytes()) for n, a in arrays.items()]


def _image(folder: Path) -> bytes:
    """Returns what a SavedModel computes: its functions are named by how many there were before."""
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    rng, inputs = np.random.default_rng(0), {}
    for name, spec in signature.structured_input_signature[1].items():
        values = rng.random(
            [side or default for side, default in zip(spec.shape, SHAPE, strict=False)]
        )
        inputs[name] = tf.constant(values.round() if name == "mask" else values, spec.dtype)
    return signature(**inputs)["image"].numpy().tobytes()


def _onnx(path: Path) -> Any:
    """Returns facts and an image: tf2onnx goes through sets, whose order makes names and places."""
    network, (_, *size, _) = Reconstructor(path), SHAPE
    mask = np.zeros(size, np.float32)
    mask[::2] = 1
    kspace = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    image = network(kspace * mask[..., np.newaxis], mask)
    return _without_times(network.metadata), image.tobytes()


def _records(path: Path) -> list[bytes]:
    """Returns the examples: Protocol Buffers write their features in any order."""
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    parse = tf.train.Example.FromString
    return [parse(record).SerializeToString(deterministic=True) for record in records]


def _gzip(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


READERS = {
    ".json": _json,
    ".csv": _csv,
    ".md": _markdown,
    ".npz": _state,
    ".gz": _gzip,
    ".onnx": _onnx,
}
