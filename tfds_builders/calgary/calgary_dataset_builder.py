"""T1-weighted brain slices of the Calgary-Campinas set."""

from tfds_builders.slice_builder import SliceBuilder, slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """T1-weighted slices of the brain, 256x256 unless another size is asked for."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("calgary")
    BUILDER_CONFIGS = slice_configs(
        "calgary",
        {
            "sc": "Calgary-Campinas raw data, single channel: the centre 110 slices a volume, as "
            "its organisers split them.",
            "folder": "Volumes of your own, NIfTI, NumPy or HDF5.",
            "synthetic": "Synthetic brains; no files needed.",
        },
    )
