"""Cardiac short-axis slices."""

from typing import ClassVar

from tfds_builders.slice_builder import SliceBuilder
from tfds_builders.slice_config import slice_configs
from tfds_builders.sources import manual_instructions


class Builder(SliceBuilder):
    """Prepares short-axis slices of the heart, 150x150 unless you ask for another size."""

    HOMEPAGE = "https://www.creatis.insa-lyon.fr/Challenge/acdc/"
    HOMEPAGES: ClassVar[dict[str, str]] = {"cmrxrecon": "https://cmrxrecon.github.io/"}
    MANUAL_DOWNLOAD_INSTRUCTIONS = manual_instructions("cardiac")
    BUILDER_CONFIGS = slice_configs(
        "cardiac",
        {
            "acdc": "ACDC: bSSFP short axis, end-diastolic and end-systolic frames; the official "
            "training patients for training, the testing patients for validation.",
            "cmrxrecon": "CMRxRecon: multi-coil short-axis cine, all frames, 256x256; the last "
            "tenth of the training patients for validation.",
            "folder": "Your own volumes: NIfTI, NumPy or HDF5.",
            "folder_kspace": "Your own k-space of one coil or of many, fully sampled.",
            "synthetic": "Synthetic hearts; no files needed.",
        },
    )
