"""The TFDS builder that all data sets share: volumes to normalised slices."""

import dataclasses
import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from kdmri_tf.progress import follow, is_terminal
from tfds_builders.file_formats import dataset_of_source, format_of
from tfds_builders.fingerprint import fingerprint
from tfds_builders.raw_volume import RawVolume
from tfds_builders.slice_config import LICENSES, SliceConfig
from tfds_builders.slice_features import slice_features
from tfds_builders.slices import center_crop_or_pad, is_blank, normalize
from tfds_builders.sources import find_volumes, raw_folder
from tfds_builders.synthetic import synthetic_volumes
from tfds_builders.whole import FILES, DamagedDataError, checksums, save_metadata

logger = logging.getLogger(__name__)

# TFDS sorts the examples of a split by 128-bit keys, and one larger than 1 GB in 1000 buckets of
# equal key ranges, each in memory. Keys 0, 1, 2, ... would all fall into the first bucket; these
# steps spread up to 2^20 slices over all of them.
KEY_STEP = 2**128 // 2**20


class SliceBuilder(
    tfds.core.GeneratorBasedBuilder,
    skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types
):
    """Prepares fully sampled slices in (volume, slice) order, in which they are also read back.

    Every example is one slice: `image`, float32 `(H, W, 1)`, centre-cropped or zero-padded and
    divided by its own maximum, so in [0, 1]; `volume`, the name of its volume; `slice`, its index
    in that volume. Blank slices are left out. The metadata says what was read and what was not, and
    has for each split the SHA-256 of its images and the patient of every volume.

    Args:
        skip_unreadable: leave out files that cannot be read, instead of raising an InputError.
        **kwargs: those of `tfds.core.GeneratorBasedBuilder`.
    """

    HOMEPAGE: ClassVar[str]  # of the data set, or of the first of its sources
    HOMEPAGES: ClassVar[dict[str, str]] = {}  # of other sources

    def __init__(self, *, skip_unreadable: bool = False, **kwargs: Any) -> None:
        self._skip_unreadable = skip_unreadable
        try:
            super().__init__(**kwargs)
        except Exception as error:  # the libraries raise many unrelated types on a damaged file
            info = Path(getattr(self, "_data_dir", ""), "dataset_info.json")
            if not info.is_file():
                raise
            reason = " ".join(str(error).split())[:200]
            raise DamagedDataError(
                info, f"or a file beside it cannot be read ({reason})"
            ) from error

    def is_prepared(self) -> bool:
        """Returns whether the data set is prepared.

        TFDS takes the name of the folder for a pattern, so that it misses "a [1]" and takes "ab"
        for "a*".
        """
        folder = Path(self.data_dir)
        return all((folder / name).is_file() for name in ("dataset_info.json", "features.json"))

    def as_dataset(
        self,
        split: str | None = None,
        *,
        batch_size: int | None = None,
        shuffle_files: bool = False,
        decoders: Any = None,
        read_config: tfds.ReadConfig | None = None,
        as_supervised: bool = False,
    ) -> tf.data.Dataset:
        """Returns what TFDS does, also if the data set is prepared as array_record.

        These are always read in their order.
        """
        if format_of(self) != "array_record":
            return super().as_dataset(
                split,
                batch_size=batch_size,
                shuffle_files=shuffle_files,
                decoders=decoders,
                read_config=read_config,
                as_supervised=as_supervised,
            )
        splits = list(self.info.splits) if split is None else split

        def read(name: str) -> tf.data.Dataset:
            dataset = dataset_of_source(self, name, decoders)
            return dataset.batch(batch_size) if batch_size else dataset

        if isinstance(splits, str):
            return read(splits)
        return {name: read(name) for name in splits}

    @classmethod
    def get_builder_config(cls, name: str, version: str | None = None) -> SliceConfig | None:
        """Returns a config by name; `<source>_<H>x<W>` is made from that of the source."""
        sized = re.fullmatch(r"(\w+)_([1-9]\d*)x([1-9]\d*)", name)
        if sized is None:
            return super().get_builder_config(name, version)
        standard = super().get_builder_config(sized[1], version)
        if standard is None:
            return None
        return dataclasses.replace(standard, name=name, image_size=(int(sized[2]), int(sized[3])))

    def _info(self) -> tfds.core.DatasetInfo:
        source = self.builder_config.source
        homepage = self.HOMEPAGES.get(source, self.HOMEPAGE)
        return self.dataset_info_from_configs(
            features=slice_features(self.builder_config.image_size, Path(self.data_dir)),
            homepage=homepage,
            license=LICENSES.get(source, f"The terms of those who distribute the data: {homepage}"),
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

    def _generate_examples(
        self, split: str, volumes: list[RawVolume]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        num_slices = num_blank = 0
        patients: dict[str, str] = {}  # of volumes of which a slice is left
        digest = hashlib.sha256()
        # In a terminal TFDS has bars of its own.
        what = f"preparing {self.name}, {split}"
        for volume in follow(volumes, what=what, unit="volume", is_shown=not is_terminal()):
            for index, raw_image in self._slices(volume):
                image = center_crop_or_pad(raw_image, self.builder_config.image_size)
                if is_blank(image):
                    num_blank += 1
                    continue
                image = normalize(image)[..., np.newaxis]
                digest.update(image.tobytes())
                patients[volume.name] = volume.patient
                yield (
                    num_slices * KEY_STEP,
                    {"image": image, "slice": index, "volume": volume.name},
                )
                num_slices += 1
        if num_slices == 0:
            raise InputError(
                f"{self._full_name} has no slices left for {split} (blank slices: {num_blank}, "
                f"unreadable files skipped: {len(self._skipped_files)}). Check the raw files."
            )
        self.info.metadata["splits"][split] = {
            "volumes": len(patients),
            "slices": num_slices,
            "blank_slices": num_blank,
            "patients": patients,
            "sha256": digest.hexdigest(),
        }

    def _slices(self, volume: RawVolume) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yields (index in the volume, image), with one part of the volume in memory at a time."""
        if volume.note:
            logger.warning("%s: %s.", self._full_name, printable(volume.note))
        for first, read in volume.readers.items():
            try:
                images = read()
            except InputError as error:
                if not self._skip_unreadable:
                    raise
                reason = printable(str(error))
                self._skipped_files.append(reason)
                logger.warning("Skipped: %s", reason)
                continue
            yield from enumerate(images, start=first)

    @property
    def _full_name(self) -> str:
        """Data set and config, as in `tfds.load`."""
        return f"{self.name}/{self.builder_config.name}"

    @property
    def _skipped_files(self) -> list[str]:
        return self.info.metadata["skipped_files"]

    def _post_download_and_prepare_hook(self) -> None:
        """Keeps checksums, and logs a line on what was prepared (TFDS' hook for such things)."""
        self.info.metadata[FILES] = checksums(Path(self.data_dir))
        save_metadata(self)
        counts = "; ".join(
            f"{split}: {count['slices']} slices (volumes: {count['volumes']}, blank slices left "
            f"out: {count['blank_slices']})"
            for split, count in self.info.metadata["splits"].items()
        )
        logger.info(
            "Prepared %s. %s; unreadable files skipped: %d.",
            self._full_name,
            counts,
            len(self._skipped_files),
        )
