"""The TFDS builder that all data sets share: volumes to normalised slices."""

import dataclasses
import hashlib
import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from tfds_builders.catalog import DATASETS
from tfds_builders.fingerprint import fingerprint
from tfds_builders.raw_volume import Volume
from tfds_builders.slices import center_crop_or_pad, is_blank, normalize
from tfds_builders.sources import find_volumes, raw_folder
from tfds_builders.synthetic import synthetic_volumes

logger = logging.getLogger(__name__)

VERSION = "1.0.2"
RELEASE_NOTES = {
    "1.0.0": "First release.",
    "1.0.1": "The same slices; the metadata has the SHA-256 of every raw file.",
    "1.0.2": "The same slices; the metadata names the patient of every volume.",
}
# TFDS sorts the examples of a split by 128-bit keys, and one larger than 1 GB in 1000 buckets of
# equal key ranges, each in memory. Keys 0, 1, 2, ... would all fall into the first bucket; these
# steps spread up to 2^20 slices over all of them.
KEY_STEP = 2**128 // 2**20


@dataclasses.dataclass(kw_only=True)
class SliceConfig(tfds.core.BuilderConfig):
    """One source at one image size, (height, width) in pixels."""

    source: str
    image_size: tuple[int, int]


def slice_configs(dataset: str, descriptions: dict[str, str]) -> list[SliceConfig]:
    """Return one config a source, at the image size of the catalog; the first is the default."""
    return [
        SliceConfig(
            name=source,
            version=VERSION,
            release_notes=RELEASE_NOTES,
            description=descriptions[source],
            source=source,
            image_size=image_size,
        )
        for source, image_size in DATASETS[dataset].image_sizes.items()
    ]


def config_name(dataset: str, source: str, image_size: tuple[int, int] | None) -> str:
    """Return `<source>`, or `<source>_<H>x<W>` for a size other than that of the catalog."""
    if image_size is None or tuple(image_size) == DATASETS[dataset].image_sizes[source]:
        return source
    return f"{source}_{image_size[0]}x{image_size[1]}"


class SliceBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Fully sampled slices in (volume, slice) order, also when they are read back.

    Every example is one slice: `image`, float32 `(H, W, 1)`, centre-cropped or zero-padded and
    divided by its own maximum, so in [0, 1]; `volume`, the name of its volume; `slice`, its index
    in that volume. Blank slices are left out. The metadata says what was read and what was not, and
    has for each split the SHA-256 of its images and the patient of every volume.

    Args:
        skip_unreadable: leave out files that cannot be read, instead of raising an InputError.
        **kwargs: those of `tfds.core.GeneratorBasedBuilder`.
    """

    HOMEPAGE = "https://arxiv.org/abs/2004.05319"

    def __init__(self, *, skip_unreadable: bool = False, **kwargs: Any):
        self._skip_unreadable = skip_unreadable
        super().__init__(**kwargs)

    @classmethod
    def get_builder_config(cls, name: str, version: Any = None) -> SliceConfig | None:
        """Find a config by name; `<source>_<H>x<W>` is made from that of the source."""
        sized = re.fullmatch(r"(\w+)_([1-9]\d*)x([1-9]\d*)", name)
        if sized is None:
            return super().get_builder_config(name, version)
        standard = super().get_builder_config(sized[1], version)
        if standard is None:
            return None
        return dataclasses.replace(standard, name=name, image_size=(int(sized[2]), int(sized[3])))

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Tensor(
                        shape=(*self.builder_config.image_size, 1),
                        dtype=np.float32,
                        encoding="zlib",
                    ),
                    "volume": tfds.features.Text(),
                    "slice": tfds.features.Scalar(dtype=np.int32),
                }
            ),
            homepage=self.HOMEPAGE,
            disable_shuffling=True,  # keeps the order of the volumes and their slices
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        config = self.builder_config
        if config.source == "synthetic":
            splits, raw_files = synthetic_volumes(self.name, config.image_size), {}
        else:
            manual_dir = dl_manager.manual_dir
            splits = find_volumes(self.name, config.source, manual_dir)
            raw_files = fingerprint(splits, raw_folder(self.name, config.source, manual_dir))
        self.info.metadata.update(
            source=config.source,
            image_size=list(config.image_size),
            raw_files=raw_files,
            splits={},
            skipped_files=[],
        )
        return {split: self._generate_examples(split, volumes) for split, volumes in splits.items()}

    def _generate_examples(self, split: str, volumes: list[Volume]) -> Iterator[tuple[int, dict]]:
        counts = {"volumes": 0, "slices": 0, "blank_slices": 0, "patients": {}}
        self.info.metadata["splits"][split] = counts
        digest = hashlib.sha256()
        for volume in volumes:
            slices_before = counts["slices"]
            for index, raw_image in self._slices(volume):
                image = center_crop_or_pad(raw_image, self.builder_config.image_size)
                if is_blank(image):
                    counts["blank_slices"] += 1
                    continue
                key = counts["slices"] * KEY_STEP
                counts["slices"] += 1
                example = {"image": normalize(image)[..., np.newaxis], "slice": index}
                digest.update(example["image"].tobytes())
                yield key, example | {"volume": volume.name}
            if counts["slices"] > slices_before:
                counts["volumes"] += 1
                counts["patients"][volume.name] = volume.patient
        counts["sha256"] = digest.hexdigest()
        if counts["slices"] == 0:
            raise InputError(
                f"No slice is left for {split} of {self.name}/{self.builder_config.name}: "
                f"{counts['blank_slices']} are blank and {len(self._skipped_files)} files were "
                "skipped as unreadable. Check the raw files."
            )

    def _slices(self, volume: Volume) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (index in the volume, image), one part of the volume in memory at a time."""
        if volume.note:
            logger.warning("%s/%s: %s.", self.name, self.builder_config.name, volume.note)
        for first, read in volume.readers.items():
            try:
                images = read()
            except InputError as error:
                if not self._skip_unreadable:
                    raise
                self._skipped_files.append(str(error))
                logger.warning("Skipped: %s", error)
                continue
            yield from enumerate(images, start=first)

    @property
    def _skipped_files(self) -> list[str]:
        return self.info.metadata["skipped_files"]

    def _post_download_and_prepare_hook(self) -> None:
        """Log one line about what was prepared (the hook that TFDS provides for this)."""
        counts = "; ".join(
            f"{split}: {count['slices']} slices of {count['volumes']} volumes, "
            f"{count['blank_slices']} blank slices left out"
            for split, count in self.info.metadata["splits"].items()
        )
        logger.info(
            "Prepared %s/%s. %s; %d unreadable files skipped.",
            self.name,
            self.builder_config.name,
            counts,
            len(self._skipped_files),
        )
