"""Slices of your own volumes, whatever they show."""

from tfds_builders.slice_builder import SliceBuilder
from tfds_builders.slice_config import slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Prepares slices of any anatomy, 256x256 unless you ask for another size."""

    HOMEPAGE = "https://arxiv.org/abs/2004.05319"  # where the images go; TFDS needs a page
    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("own")
    BUILDER_CONFIGS = slice_configs(
        "own",
        {
            "folder": "Your own volumes: NIfTI, NumPy or HDF5.",
            "folder_kspace": "Your own k-space of one coil or of many, fully sampled.",
            "synthetic": "Synthetic brains, to try the commands out; no files needed.",
        },
    )
