"""T1-weighted brain slices."""

from tfds_builders.slice_builder import SliceBuilder, slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """T1-weighted slices of the brain, 240x240 unless another size is asked for."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("brain")
    BUILDER_CONFIGS = slice_configs(
        "brain",
        {
            "mrbrains18": "MRBrainS18 training subjects, T1; the last two of those that are there "
            "for validation.",
            "mrbrains13": "MRBrainS13 training subjects, T1; the last two of those that are there "
            "for validation.",
            "folder": "Volumes of your own, NIfTI, NumPy or HDF5.",
            "synthetic": "Synthetic brains; no files needed.",
        },
    )
