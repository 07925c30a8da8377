"""Which volumes of each source are on disk, in the official raw layouts.

A finder takes the folder of its source and only lists files: nothing is opened before a volume is
read. A split whose files are missing is an empty list.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from tfds_builders.raw_volume import RawVolume, Splits, volume_of_files
from tfds_builders.readers.any_volume import READERS, read_volume
from tfds_builders.readers.calgary_campinas import read_single_channel
from tfds_builders.readers.fastmri import read_fastmri
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
            volume_of_files(_stem(path), path.parent.name, {0: path}, read_volume)
            for path in sorted(folder.glob("patient*/*"))
            if re.fullmatch(r"patient\d+_frame\d+\.nii\.gz", path.name)
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
        return volume_of_files(f"patient{patient:02d}", str(patient), selected, read_rawdata, note)

    return {
        split: [found for patient in patients if (found := volume(patient))]
        for split, patients in HAMMERNIK_PATIENTS.items()
    }


def find_fastmri(root: Path) -> Splits:
    """Lists the files of the single-coil knee set."""
    return {
        "train": _volume_files(root / "singlecoil_train", "*.h5", read_fastmri),
        "validation": _volume_files(root / "singlecoil_val", "*.h5", read_fastmri),
    }


def find_calgary_single_channel(root: Path) -> Splits:
    """Lists the single-channel volumes of the Calgary-Campinas set, `Raw-data/SC/...`."""
    return {
        "train": _volume_files(root / "Raw-data/SC/Train", "*.npy", read_single_channel),
        "validation": _volume_files(root / "Raw-data/SC/Val", "*.npy", read_single_channel),
    }


def _volume_files(
    folder: Path, pattern: str, read: Callable[[Path], NDArray[np.float32]]
) -> list[RawVolume]:
    """Lists the files of a folder; each is one volume of one patient."""
    return [
        volume_of_files(path.stem, path.stem, {0: path}, read)
        for path in sorted(folder.glob(pattern))
        if not path.name.startswith(".")
    ]


def find_folder(root: Path) -> Splits:
    """Lists the user's own volumes; each file is a patient."""

    def volumes(folder: Path) -> list[RawVolume]:
        return [
            volume_of_files(_stem(path), _stem(path), {0: path}, read)
            for path in sorted(folder.glob("*"))
            if not path.name.startswith(".")
            for suffix, read in READERS.items()
            if path.name.lower().endswith(suffix)
        ]

    return {"train": volumes(root / "train"), "validation": volumes(root / "validation")}


def _stem(path: Path) -> str:
    """Returns the file name up to its (double) extension."""
    extension = next(suffix for suffix in READERS if path.name.lower().endswith(suffix))
    return path.name[: -len(extension)]
