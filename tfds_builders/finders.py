"""Which volumes of each source are on disk, in the official raw layouts.

A finder takes the folder of its source and only lists files: nothing is opened before a volume is
read. A split whose files are missing is an empty list.
"""

import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.volume import KspaceVolume
from tfds_builders.raw_volume import RawVolume, Splits, volume_of_files
from tfds_builders.readers.any_volume import (
    open_kspace,
    read_kspace,
    read_volume,
)
from tfds_builders.readers.calgary_campinas import (
    open_multi_channel,
    open_single_channel,
    read_multi_channel,
    read_single_channel,
)
from tfds_builders.readers.hammernik import read_rawdata

MRBRAINS18_SUBJECTS = ("1", "4", "5", "7", "14", "070", "148")
MRBRAINS13_SUBJECTS = ("1", "2", "3", "4", "5")
NUM_VALIDATION_SUBJECTS = 2
HAMMERNIK_PATIENTS = {"train": range(1, 11), "validation": range(11, 21)}
HAMMERNIK_SLICES = range(11, 31)


def find_acdc(root: Path) -> Splits:
    """Lists `patientNNN_frameFF.nii.gz`; the segmentations and 4-D series do not match."""

    def volumes(folder: Path) -> list[RawVolume]:
        return [
            volume_of_files(match[1], path.parent.name, {0: path}, read_volume)
            for path in sorted(folder.glob("patient*/*"))
            if (match := re.fullmatch(r"(patient\d+_frame\d+)\.nii\.gz", path.name))
        ]

    return {"train": volumes(root / "training"), "validation": volumes(root / "testing")}


def find_mrbrains18(root: Path) -> Splits:
    """Lists the T1 images `training/<subject>/pre/reg_T1.nii.gz`."""
    return _subjects(
        {name: root / "training" / name / "pre/reg_T1.nii.gz" for name in MRBRAINS18_SUBJECTS}, root
    )


def find_mrbrains13(root: Path) -> Splits:
    """Lists the T1 images `TrainingData/<subject>/T1.nii`."""
    return _subjects(
        {name: root / "TrainingData" / name / "T1.nii" for name in MRBRAINS13_SUBJECTS}, root
    )


def _subjects(paths: dict[str, Path], root: Path) -> Splits:
    """Splits the subjects that are there: the last two, in the official order, for validation."""
    volumes = [
        volume_of_files(f"subject{name}", name, {0: path}, read_volume)
        for name, path in paths.items()
        if path.is_file()
    ]
    if 0 < len(volumes) <= NUM_VALIDATION_SUBJECTS:
        raise InputError(
            f"Only {len(volumes)} of the {len(paths)} subjects are in {root}, but the last "
            f"{NUM_VALIDATION_SUBJECTS} are for validation: add at least one more."
        )
    return {
        "train": volumes[:-NUM_VALIDATION_SUBJECTS],
        "validation": volumes[-NUM_VALIDATION_SUBJECTS:],
    }


def find_hammernik(root: Path) -> Splits:
    """Lists slices 11 to 30 of each patient, as in the papers; all slices if there are none."""

    def volume(patient: int) -> RawVolume | None:
        files = {
            int(match[1]): path
            for path in (root / "coronal_pd" / str(patient)).glob("rawdata*.mat")
            if (match := re.fullmatch(r"rawdata(\d+)\.mat", path.name))
        }
        chosen = sorted(files.keys() & set(HAMMERNIK_SLICES)) or sorted(files)
        if not chosen:
            return None
        note = ""
        if chosen[0] not in HAMMERNIK_SLICES:
            note = (
                f"patient {patient} has none of the papers' slices {HAMMERNIK_SLICES[0]} to "
                f"{HAMMERNIK_SLICES[-1]}, so all {len(chosen)} are used"
            )
        selected = {index: files[index] for index in chosen}
        name = f"patient{patient:02d}"
        return volume_of_files(name, str(patient), selected, read_rawdata, note, open_kspace)

    return {
        split: [found for patient in patients if (found := volume(patient))]
        for split, patients in HAMMERNIK_PATIENTS.items()
    }


def find_fastmri(root: Path) -> Splits:
    """Lists the files of the single-coil knee set."""
    return {
        "train": _volume_files(root / "singlecoil_train", "*.h5", read_kspace, open_kspace),
        "validation": _volume_files(root / "singlecoil_val", "*.h5", read_kspace, open_kspace),
    }


def find_fastmri_multicoil(root: Path) -> Splits:
    """Lists the files of a multi-coil set, knee or brain."""
    return {
        "train": _volume_files(root / "multicoil_train", "*.h5", read_kspace, open_kspace),
        "validation": _volume_files(root / "multicoil_val", "*.h5", read_kspace, open_kspace),
    }


def find_cmrxrecon(root: Path) -> Splits:
    """Lists `cine_sax.mat` of each patient of the training set, the only one that is fully sampled.

    Later years have folders of centres and scanners between, which become part of the name. The
    last tenth of the patients is for validation.
    """
    folder = root / "MultiCoil/Cine/TrainingSet/FullSample"
    volumes = []
    for path in sorted(folder.rglob("cine_sax.mat")):
        name = "_".join(path.parent.relative_to(folder).parts)
        volumes.append(volume_of_files(name, name, {0: path}, read_kspace, "", open_kspace))
    if len(volumes) == 1:
        raise InputError(
            f"Only one patient is in {folder}, but the last tenth of them is for validation: add "
            "at least one more."
        )
    num_validation = math.ceil(len(volumes) / 10)
    first = len(volumes) - num_validation
    return {"train": volumes[:first], "validation": volumes[first:]}


def find_calgary_single_channel(root: Path) -> Splits:
    """Lists the single-channel volumes of the Calgary-Campinas set, `Raw-data/SC/...`."""
    folder, readers = root / "Raw-data/SC", (read_single_channel, open_single_channel)
    return {
        "train": _volume_files(folder / "Train", "*.npy", *readers),
        "validation": _volume_files(folder / "Val", "*.npy", *readers),
    }


def find_calgary_multi_channel(root: Path) -> Splits:
    """Lists the 12-channel volumes of the Calgary-Campinas set, `Raw-data/Multi-channel/...`."""
    folder = root / "Raw-data/Multi-channel/12-channel"
    readers = (read_multi_channel, open_multi_channel)
    return {
        "train": _volume_files(folder / "Train", "*.h5", *readers),
        "validation": _volume_files(folder / "Val", "*.h5", *readers),
    }


def _volume_files(
    folder: Path,
    pattern: str,
    read: Callable[[Path], NDArray[np.float32]],
    open_kspace: Callable[[Path], AbstractContextManager[KspaceVolume]] | None = None,
) -> list[RawVolume]:
    """Lists the files of a folder; each is one volume of one patient."""
    return [
        volume_of_files(path.stem, path.stem, {0: path}, read, open_kspace=open_kspace)
        for path in sorted(folder.glob(pattern))
        if not path.name.startswith(".")
    ]
