"""Hostile networks in every format, stages of training, and names of the zoo."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from faults.damage import Case
from faults.hostile_exports import (
    hostile_litert,
    hostile_onnx,
    hostile_openvino,
    hostile_saved_model,
)
from faults.hostile_keras import hostile_keras
from faults.hostile_stages import hostile_stages
from faults.whole_files import Whole


def hostile_networks(root: Path, elsewhere: Path, wholes: Mapping[str, Whole]) -> Iterator[Case]:
    """Yields them; `elsewhere` is a folder with secrets that they would have read or changed.

    Args:
        root: where to write them.
        elsewhere: that folder.
        wholes: name -> network or stage that they are made of.
    """
    yield from hostile_keras(root, elsewhere, wholes["keras"])
    yield from hostile_litert(root, elsewhere, wholes["litert"])
    yield from hostile_onnx(root, elsewhere, wholes["onnx"])
    yield from hostile_openvino(root, elsewhere, wholes["openvino"])
    yield from hostile_saved_model(root, wholes["saved_model"])
    yield from hostile_stages(root, elsewhere, wholes["stage"])
    for index, name in enumerate(NAMES):
        yield Case(f"name-{index}", "network", name)


# What looks like a name of the zoo, or a path out of it.
NAMES = (
    "cardiac-4x/../../elsewhere/secret",
    "cardiac-0x",
    "../networks/cardiac-4x",
    "a-" + "b" * 200,
    "cardiac-4x\0.keras",
    "cardiac-4x\n",
    "",
    ".",
)
