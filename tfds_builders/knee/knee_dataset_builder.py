"""Knee slices."""

from typing import ClassVar

from tfds_builders.slice_builder import SliceBuilder
from tfds_builders.slice_config import slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Prepares slices of the knee, in the size of their source unless you ask for another one."""

    HOMEPAGE = "https://doi.org/10.1002/mrm.26977"
    HOMEPAGES: ClassVar[dict[str, str]] = dict.fromkeys(
        ("fastmri", "fastmri_multicoil"), "https://fastmri.med.nyu.edu/"
    )
    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("knee")
    BUILDER_CONFIGS = slice_configs(
        "knee",
        {
            "hammernik": "Coronal proton density, 640x368, 15 coils combined by root sum of "
            "squares; slices 11 to 30, patients 1 to 10 for training, 11 to 20 for validation.",
            "fastmri": "fastMRI single-coil knee, 320x320; the official training and validation "
            "files.",
            "fastmri_multicoil": "fastMRI multi-coil knee, 320x320; the official training and "
            "validation files.",
            "folder": "Your own volumes: NIfTI, NumPy or HDF5, 320x320.",
            "folder_kspace": "Your own k-space of one coil or of many, fully sampled.",
            "synthetic": "Synthetic knees, 320x320; no files needed.",
        },
    )
