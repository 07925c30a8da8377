"""Files that are damaged or hostile are read, or end in a sentence that names them.

There is no other error, no hang, no memory above a bound, and nothing else is opened, read or
written. KDMRI_DAMAGES is how often each file of each format is cut short and has a bit flipped,
KDMRI_DAMAGES_SEED another draw of where.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from faults import whole_files
from faults.damage import Case, damaged
from faults.hostile_hdf5 import hostile_hdf5
from faults.hostile_networks import hostile_networks
from faults.hostile_volumes import hostile_volumes
from faults.reader import Answer, Reader
from faults.watched_folder import watched
from faults.whole_files import Whole, whole_networks, whole_volumes
from needed_packages import needed

DAMAGES = int(os.environ.get("KDMRI_DAMAGES", 2))
SEED = os.environ.get("KDMRI_DAMAGES_SEED", "0")
WRITTEN = "log.csv"  # beside the state of a stage, when it is taken up

for package in ("ismrmrd", "pydicom"):
    needed(package)


def volumes(wholes: list[Whole], root: Path, elsewhere: Path) -> Iterator[Case]:
    yield from hostile_volumes(root / "hostile", elsewhere)
    yield from hostile_hdf5(root / "hostile", elsewhere)


def networks(wholes: list[Whole], root: Path, elsewhere: Path) -> Iterator[Case]:
    yield from hostile_networks(root / "hostile", elsewhere, {w.name: w for w in wholes})


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with what hostile files would have read."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret.txt").write_text("16")
    with h5py.File(folder / "secret.h5", "w") as file:
        file["kspace"], file["mask"] = whole_files.kspace(), np.ones(12)
        file["data"], file["xml"] = 1, "<ismrmrdHeader/>"
    return folder


def fault(case: Case, answer: Answer) -> str | None:
    """Says what is wrong about an answer."""
    if answer.outcome == "read" and case.may_be_read:
        return None
    named = case.path if isinstance(case.path, str) else case.path.parent.name
    if answer.outcome != "refused":
        return f"{case.name}: {answer.outcome}: {answer.words[-2000:]}"
    if named not in answer.words or "\n" in answer.words.replace(named, ""):
        return f"{case.name}: no sentence that names it: {answer.words}"
    return None


def check(
    wholes: Iterable[Whole],
    hostile: Callable[..., Iterator[Case]],
    tmp_path: Path,
    elsewhere: Path,
    tally: Callable,
) -> None:
    """Reads whole files, damaged and hostile ones, and fails with all that is wrong of them."""
    wholes = list(wholes)
    cases = [*damaged(wholes, tmp_path / "damaged", DAMAGES, SEED)]
    cases += hostile(wholes, tmp_path, elsewhere)
    counts, faults = tally("Damaged and hostile files"), []
    (tmp_path / "worker").mkdir()
    before = listing(tmp_path)
    with (
        watched(elsewhere) as watch,
        Reader(tmp_path / "worker", [(whole.kind, whole.path) for whole in wholes]) as reader,
    ):
        for case in cases:
            wrong = fault(case, reader.read(case.kind, case.path))
            touched = watch.touched()
            if touched:
                wrong = f"{case.name}: touched {touched}"
            counts["tried"] += 1
            counts["passed"] += wrong is None
            faults += [wrong] if wrong else []
    assert not faults, "\n\n".join(faults)
    assert listing(tmp_path) == before


def listing(folder: Path) -> list[str]:
    """Returns all files below a folder, but for those of the worker."""
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.name != WRITTEN and folder / "worker" not in path.parents
    )


def test_volumes(tmp_path, elsewhere, tally):
    check(whole_volumes(tmp_path / "whole"), volumes, tmp_path, elsewhere, tally)


@pytest.mark.slow
def test_networks(tmp_path, elsewhere, tally):
    for package in ("ai_edge_litert", "onnx", "onnxruntime", "tf2onnx", "openvino"):
        needed(package)
    check(whole_networks(tmp_path / "whole"), networks, tmp_path, elsewhere, tally)
