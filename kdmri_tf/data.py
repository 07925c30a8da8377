"""From a prepared data set to batches of undersampled k-space and target images."""

import hashlib
import itertools
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from kdmri_tf import fourier, masks
from kdmri_tf.errors import InputError
from tfds_builders.catalog import DATASETS

# A split up to this size stays decoded in memory after the first epoch; a larger one is read from
# disk every epoch and shuffled through a buffer of this size.
MEMORY_BUDGET_BYTES = 4 * 2**30

# A mask file may miss the nominal acceleration by this much; the papers' own miss it by up to 8 %.
ACCELERATION_TOLERANCE = 0.15


def load_data(
    dataset,
    acceleration=4,
    *,
    source="auto",
    manual_dir=None,
    data_dir=None,
    mask="gaussian",
    mask_seed=0,
    image_size=None,
    rebuild=False,
    skip_unreadable=False,
):
    """Prepares a data set if need be and pairs it with a sampling mask.

    Args:
        dataset: "cardiac", "brain" or "knee".
        acceleration: nominal acceleration, as results are labelled; a given mask must come close.
        source: where the images come from, such as "acdc", "folder" or "synthetic"; "auto" takes
            the first real source whose files are there, and else, with a warning, "synthetic".
        manual_dir: folder that holds the raw files as `<dataset>/<source>/...`.
        data_dir: folder of the prepared data sets; by default that of TensorFlow Datasets.
        mask: "gaussian", "uniform", "equispaced", or a mask of 0 and 1, unshifted: a .npy file or
            an array `(H, W)`.
        mask_seed: seed of a sampled mask.
        image_size: (H, W) to crop or zero-pad to, instead of the source's own.
        rebuild: prepare anew from the raw files.
        skip_unreadable: leave out raw files that cannot be read, and report them, instead of
            stopping.

    Returns:
        `MRIData`.

    Raises:
        InputError: an unknown name, missing or changed raw files, a mask that does not fit the
            images or the acceleration.
    """
    is_sampler = isinstance(mask, str) and mask in masks.SAMPLERS
    if not (math.isfinite(acceleration) and acceleration >= 1):
        raise InputError(f"The acceleration must be at least 1, not {acceleration}.")
    if is_sampler and mask_seed < 0:
        raise InputError(f"The seed of the mask must be at least 0, not {mask_seed}.")
    if not is_sampler:
        mask, origin = _given_mask(mask)

    # Imported here since the builders themselves import from kdmri_tf.
    from tfds_builders.prepare import prepare

    builder = prepare(
        dataset,
        source,
        manual_dir=manual_dir,
        data_dir=data_dir,
        image_size=image_size,
        rebuild=rebuild,
        skip_unreadable=skip_unreadable,
    )
    height, width, _ = builder.info.features["image"].shape
    spec = DATASETS[dataset]
    if is_sampler:
        origin = f"{mask}, seed {mask_seed}"
        mask = masks.SAMPLERS[mask](
            (height, width), acceleration, spec.center_lines, spec.phase_encode_axis, mask_seed
        )
    else:
        mask = masks.check_mask(mask, (height, width), name=f"mask {origin}")
        actual = masks.true_acceleration(mask)
        if abs(actual / acceleration - 1) > ACCELERATION_TOLERANCE:
            raise InputError(
                f"The mask {origin} accelerates by {actual:.2f}, but the acceleration asked for is "
                f"{acceleration:g}; give the one that fits (--acc {actual:.3g})."
            )
    return MRIData(builder, mask, origin, float(acceleration))


def _given_mask(mask):
    """(array, where it comes from) of a mask file or array, before anything is prepared."""
    if isinstance(mask, np.ndarray):
        return mask, "array"
    return masks.read_mask(mask), Path(mask).name


@dataclass(frozen=True, eq=False)
class MRIData:
    """A prepared data set and the mask that undersamples it.

    Attributes:
        builder: prepared TFDS builder with the splits "train" and "validation".
        mask: float32 `(H, W)`, unshifted.
        mask_origin: where the mask comes from: sampler and seed, or file name.
        nominal_acceleration: what was asked for; `acceleration` is what the mask does.
    """

    builder: tfds.core.DatasetBuilder
    mask: np.ndarray
    mask_origin: str
    nominal_acceleration: float

    @property
    def dataset(self):
        """The anatomy: "cardiac", "brain" or "knee"."""
        return self.builder.name

    @property
    def source(self):
        """Where the images come from, such as "acdc" or "synthetic"."""
        return self.builder.builder_config.source

    @property
    def image_size(self):
        """(H, W) in pixels."""
        return self.mask.shape

    @property
    def acceleration(self):
        """True acceleration: all samples over measured samples."""
        return masks.true_acceleration(self.mask)

    @property
    def acceleration_label(self):
        """The nominal acceleration as tables and folders show it, such as "4x"."""
        return f"{self.nominal_acceleration:g}x"

    @property
    def fingerprint(self):
        """SHA-256 over the images of both splits; tells apart data that a result must not mix."""
        splits = self.builder.info.metadata["splits"]
        digests = json.dumps({name: split["sha256"] for name, split in splits.items()})
        return hashlib.sha256(digests.encode()).hexdigest()

    @cached_property
    def num_slices(self):
        """Number of slices in each split."""
        return {name: split.num_examples for name, split in self.builder.info.splits.items()}

    def num_batches(self, split, batch_size):
        """Batches in one pass over a split; the last may be smaller."""
        return -(-self.num_slices[split] // batch_size)

    def batches(self, split, batch_size=4, seed=None, first_epoch=None, teacher=None):
        """Batches for `model.fit`: `({"kspace", "mask"}, image)`.

        kspace float32 `(batch, H, W, 2)` and mask float32 `(batch, H, W)` as `DCCNN` takes them;
        image float32 `(batch, H, W, 1)`, fully sampled, each slice with maximum 1.

        Args:
            split: "train" or "validation".
            batch_size: slices a batch.
            seed: None keeps the slices in order, volume by volume; a number shuffles them, anew in
                every pass.
            first_epoch: with a seed, makes the data set endless, its e-th pass ordered by (seed,
                first_epoch + e) alone: a run that is resumed at an epoch sees what it would have
                seen. `fit` then needs `steps_per_epoch=data.num_batches(split, batch_size)`.
            teacher: what `cache_teacher` kept of this split; joins the inputs as "teacher".

        Returns:
            `tf.data.Dataset`, prefetched.
        """
        slices = self._images(split)
        if teacher is not None:
            slices = tf.data.Dataset.zip(slices, teacher)
        buffer = min(self.num_slices[split], MEMORY_BUDGET_BYTES // self._bytes_per_slice)
        if seed is None:
            batched = slices.batch(batch_size)
        elif first_epoch is None:
            batched = slices.shuffle(buffer, seed=seed).batch(batch_size)
        else:

            def one_epoch(epoch):
                # Seeds the graph of this function alone; from 1, as TensorFlow trips over 0.
                tf.random.set_seed(seed + 1)
                shuffled = slices.shuffle(buffer, seed=epoch + 1, reshuffle_each_iteration=False)
                return shuffled.batch(batch_size)

            batched = tf.data.Dataset.counter(first_epoch).flat_map(one_epoch)
        undersampled = batched.map(self._undersample, num_parallel_calls=tf.data.AUTOTUNE)
        return undersampled.prefetch(tf.data.AUTOTUNE)

    def volumes(self, split):
        """Yields (volume name, images float32 `(slices, H, W)`), one volume in memory at a time."""
        examples = self._read(split).as_numpy_iterator()
        for name, group in itertools.groupby(examples, key=lambda example: example["volume"]):
            yield name.decode(), np.stack([example["image"][..., 0] for example in group])

    @property
    def _bytes_per_slice(self):
        return 4 * self.mask.size

    def _read(self, split):
        return self.builder.as_dataset(split=split, shuffle_files=False)

    def _images(self, split):
        images = self._read(split).map(
            lambda example: example["image"], num_parallel_calls=tf.data.AUTOTUNE
        )
        fits = self.num_slices[split] * self._bytes_per_slice <= MEMORY_BUDGET_BYTES
        return images.cache() if fits else images

    def _undersample(self, image, teacher=None):
        batch_size = tf.shape(image)[0]
        mask = tf.tile(self.mask[tf.newaxis], (batch_size, 1, 1))
        kspace = fourier.image_to_kspace(image) * mask[..., tf.newaxis]
        inputs = {"kspace": kspace, "mask": mask}
        return (inputs if teacher is None else {**inputs, "teacher": teacher}), image
