"""T1-weighted brain slices of the Calgary-Campinas set."""

from tfds_builders.slice_builder import SliceBuilder
from tfds_builders.slice_config import slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Prepares T1-weighted slices of the brain, 256x256 unless you ask for another size."""

    HOMEPAGE = "https://sites.google.com/view/calgary-campinas-dataset/home"
    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("calgary")
    BUILDER_CONFIGS = slice_configs(
        "calgary",
        {
            "sc": "Calgary-Campinas raw data, single channel: the 110 slices in the middle of each "
            "volume, split as its organisers do.",
            "mc": "Calgary-Campinas raw data, 12 channels, 218x170: the 110 slices in the middle "
            "of each volume, split as its organisers do.",
            "folder": "Your own volumes: NIfTI, NumPy or HDF5.",
            "folder_kspace": "Your own k-space of one coil or of many, fully sampled.",
            "synthetic": "Synthetic brains; no files needed.",
        },
    )
