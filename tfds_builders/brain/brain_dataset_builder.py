"""T1-weighted brain slices."""

from tfds_builders.slice_builder import SliceBuilder
from tfds_builders.slice_config import slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Prepares T1-weighted slices of the brain, 240x240 unless you ask for another size."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("brain")
    BUILDER_CONFIGS = slice_configs(
        "brain",
        {
            "mrbrains18": "MRBrainS18 training subjects, T1; the last two subjects you have "
            "for validation.",
            "mrbrains13": "MRBrainS13 training subjects, T1; the last two subjects you have "
            "for validation.",
            "folder": "Your own volumes: NIfTI, NumPy or HDF5.",
            "synthetic": "Synthetic brains; no files needed.",
        },
    )
