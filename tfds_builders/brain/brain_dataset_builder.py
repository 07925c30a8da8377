"""T1-weighted brain slices."""

from typing import ClassVar

from tfds_builders.slice_builder import SliceBuilder
from tfds_builders.slice_config import slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Prepares T1-weighted slices of the brain, 240x240 unless you ask for another size."""

    HOMEPAGE = "https://mrbrains18.isi.uu.nl/"
    HOMEPAGES: ClassVar[dict[str, str]] = {
        "mrbrains13": "https://mrbrains13.isi.uu.nl/",
        "fastmri_multicoil": "https://fastmri.med.nyu.edu/",
    }
    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("brain")
    BUILDER_CONFIGS = slice_configs(
        "brain",
        {
            "mrbrains18": "MRBrainS18 training subjects, T1; the last two subjects you have "
            "for validation.",
            "mrbrains13": "MRBrainS13 training subjects, T1; the last two subjects you have "
            "for validation.",
            "fastmri_multicoil": "fastMRI multi-coil brain, 320x320; the official training and "
            "validation files.",
            "folder": "Your own volumes: NIfTI, NumPy or HDF5.",
            "folder_kspace": "Your own k-space of one coil or of many, fully sampled.",
            "synthetic": "Synthetic brains; no files needed.",
        },
    )
