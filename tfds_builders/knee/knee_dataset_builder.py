"""Knee slices."""

from tfds_builders.slice_builder import SliceBuilder, slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Slices of the knee; the size depends on the source unless another one is asked for."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("knee")
    BUILDER_CONFIGS = slice_configs(
        "knee",
        {
            "hammernik": "Coronal proton density, 640x368, 15 coils combined by root sum of "
            "squares; slices 11 to 30, patients 1 to 10 for training, 11 to 20 for validation.",
            "fastmri": "fastMRI single-coil knee, 320x320; the official training and validation "
            "files.",
            "folder": "Volumes of your own, NIfTI, NumPy or HDF5, 320x320.",
            "synthetic": "Synthetic knees, 320x320; no files needed.",
        },
    )
