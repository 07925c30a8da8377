"""How the raw files of each source are laid out: for error messages, and who finds them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tfds_builders import finders, own_files
from tfds_builders.finders import MRBRAINS13_SUBJECTS, MRBRAINS18_SUBJECTS
from tfds_builders.raw_volume import Splits
from tfds_builders.readers.any_volume import KSPACE_SUFFIXES, READERS
from tfds_builders.readers.fastmri import patient_of_fastmri


@dataclass(frozen=True)
class Layout:
    """Describes the raw files of one source.

    Attributes:
        tree: the expected files below the folder of the source, one a line.
        find: folder of the source -> split -> volumes in a fixed order; empty lists where the
            files are missing.
        places: split -> where its files should be, for error messages.
        patient_of: file -> its patient, where files say so, which is read before the data set is
            prepared; None from a file that does not say it. Without it, finders know the patients.
        unread: (folder of the source, its volumes) -> what lies beside them and is not read, where
            that may be a mistake.
        instead: (folder of the source, splits without volumes) -> what is there instead, or empty.
    """

    tree: str
    find: Callable[[Path], Splits]
    places: dict[str, str]
    patient_of: Callable[[Path], str | None] | None = None
    unread: Callable[[Path, Splits], list[Path]] | None = None
    instead: Callable[[Path, Splits], str] | None = None


LAYOUTS = {
    "acdc": Layout(
        tree=(
            "training/patient001/patient001_frame01.nii.gz  (_gt and _4d files are not read)\n"
            "training/patient001/patient001_frame12.nii.gz\n"
            "training/...\n"
            "testing/patient101/patient101_frame01.nii.gz\n"
            "testing/..."
        ),
        find=finders.find_acdc,
        places={"train": "training", "validation": "testing"},
    ),
    "mrbrains18": Layout(
        tree="\n".join(f"training/{name}/pre/reg_T1.nii.gz" for name in MRBRAINS18_SUBJECTS),
        find=finders.find_mrbrains18,
        places={"train": "training", "validation": "training"},
    ),
    "mrbrains13": Layout(
        tree="\n".join(f"TrainingData/{name}/T1.nii" for name in MRBRAINS13_SUBJECTS),
        find=finders.find_mrbrains13,
        places={"train": "TrainingData", "validation": "TrainingData"},
    ),
    "hammernik": Layout(
        tree=(
            "coronal_pd/1/rawdata11.mat ... rawdata30.mat  (patients 1 to 10: train)\n"
            "coronal_pd/...\n"
            "coronal_pd/11/rawdata11.mat ... rawdata30.mat  (patients 11 to 20: validation)\n"
            "coronal_pd/..."
        ),
        find=finders.find_hammernik,
        places={
            "train": "coronal_pd/1 to coronal_pd/10",
            "validation": "coronal_pd/11 to coronal_pd/20",
        },
    ),
    "fastmri": Layout(
        tree=(
            "singlecoil_train/file1000001.h5\nsinglecoil_train/...\n"
            "singlecoil_val/file1000000.h5\nsinglecoil_val/..."
        ),
        find=finders.find_fastmri,
        places={"train": "singlecoil_train", "validation": "singlecoil_val"},
        patient_of=patient_of_fastmri,
    ),
    "fastmri_multicoil": Layout(
        tree=(
            "multicoil_train/file1000001.h5\nmulticoil_train/...\n"
            "multicoil_val/file1000000.h5\nmulticoil_val/..."
        ),
        find=finders.find_fastmri_multicoil,
        places={"train": "multicoil_train", "validation": "multicoil_val"},
        patient_of=patient_of_fastmri,
    ),
    "cmrxrecon": Layout(
        tree=(
            "MultiCoil/Cine/TrainingSet/FullSample/P001/cine_sax.mat\n"
            "MultiCoil/Cine/TrainingSet/FullSample/...  (the last tenth of them: validation)"
        ),
        find=finders.find_cmrxrecon,
        places={
            "train": "MultiCoil/Cine/TrainingSet/FullSample",
            "validation": "MultiCoil/Cine/TrainingSet/FullSample",
        },
    ),
    "mc": Layout(
        tree=(
            "Raw-data/Multi-channel/12-channel/Train/<volume>.h5\n"
            "Raw-data/Multi-channel/12-channel/Val/<volume>.h5"
        ),
        find=finders.find_calgary_multi_channel,
        places={
            "train": "Raw-data/Multi-channel/12-channel/Train",
            "validation": "Raw-data/Multi-channel/12-channel/Val",
        },
    ),
    "sc": Layout(
        tree=(
            "Raw-data/SC/Train/<volume>.npy  (one file of k-space a volume)\n"
            "Raw-data/SC/Val/<volume>.npy"
        ),
        find=finders.find_calgary_single_channel,
        places={"train": "Raw-data/SC/Train", "validation": "Raw-data/SC/Val"},
    ),
    "folder": Layout(
        tree=(
            f"train/<patient>{{{','.join(READERS)}}}  (one file a volume; or a folder of .dcm)\n"
            f"validation/<patient>{{{','.join(READERS)}}}"
        ),
        find=own_files.find_folder,
        places={"train": "train", "validation": "validation"},
        unread=own_files.unread_entries,
        instead=own_files.what_is_unread,
    ),
    "folder_kspace": Layout(
        tree=(
            f"train/<patient>{{{','.join(KSPACE_SUFFIXES)}}}  (one file of k-space a volume)\n"
            f"validation/<patient>{{{','.join(KSPACE_SUFFIXES)}}}"
        ),
        find=own_files.find_folder_kspace,
        places={"train": "train", "validation": "validation"},
        unread=own_files.unread_entries,
        instead=own_files.what_is_unread,
    ),
}
