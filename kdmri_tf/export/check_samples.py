"""The slices on which an exported network is calibrated and checked."""

from dataclasses import dataclass

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.inference.training_conditions import trained_mask
from kdmri_tf.phantoms.phantom_volume import phantom_volume
from kdmri_tf.physics.degradation import Degradation, LowResolution, Undersampling
from kdmri_tf.physics.masks import check_mask, gaussian_mask

NUM_SLICES = 16


@dataclass(frozen=True, eq=False)
class Samples:
    """Slices and how they are degraded.

    Attributes:
        images: to check on, float32 `(slices, H, W, 1)`, each with maximum 1.
        calibration: others, to find the ranges of 8-bit integers on.
        degradation: what makes the network's inputs of them.
        origin: what they are, in words.
    """

    images: np.ndarray
    calibration: np.ndarray
    degradation: Degradation
    origin: str

    @property
    def image_size(self):
        """(H, W)."""
        return self.images.shape[1:3]


def synthetic_samples(degradation, image_size, anatomy="brain"):
    """Slices of two phantoms.

    Args:
        degradation: a `Degradation`, or the class of one, for a usual example of it.
        image_size: (H, W).
        anatomy: of `phantom_volume`.
    """
    if isinstance(degradation, type):
        degradation = degradation.example(image_size)
    images, calibration = (
        phantom_volume(anatomy, image_size, NUM_SLICES // 2, seed)[..., np.newaxis]
        for seed in (2000, 1000)
    )
    images, calibration = (
        part / part.max((1, 2, 3), keepdims=True) for part in (images, calibration)
    )
    return Samples(images, calibration, degradation, f"{len(images)} synthetic {anatomy} slices")


def samples_of(metadata, network, image_size=None, phase_encode_axis=None, **places):
    """Slices as the network was trained on: real ones where they are, else of phantoms.

    Args:
        metadata: of the network, see `saved.describe`: data set, source, image size, mask.
        network: `DCCNN` or `VDSR`.
        image_size: (H, W); None for that of the training data.
        phase_encode_axis: 0 or 1; None for that of the mask it was trained under.
        places: `manual_dir` and `data_dir` of the real slices; without both they are synthetic.

    Raises:
        InputError: the real slices cannot be read.
    """
    from tfds_builders.catalog import DATASETS

    dataset = metadata.get("dataset", "brain")
    source = metadata.get("source", "synthetic")
    image_size = tuple(image_size or metadata.get("image_size") or (240, 240))
    degradation = _degradation(metadata, network, image_size, phase_encode_axis)
    if source == "synthetic" or not any(places.values()):
        return synthetic_samples(degradation, image_size, DATASETS[dataset].anatomy)
    from tfds_builders.prepare import prepare

    return prepared_samples(prepare(dataset, source, image_size=image_size, **places), degradation)


def prepared_samples(builder, degradation):
    """Slices of a prepared data set: validation slices to check on, training slices to calibrate.

    Args:
        builder: as of `MRIData`.
        degradation: a `Degradation`.
    """
    images, calibration = (_spread(builder, split) for split in ("validation", "train"))
    origin = f"validation slices of {builder.name} ({builder.builder_config.source})"
    return Samples(images, calibration, degradation, f"{len(images)} {origin}")


def _degradation(metadata, network, image_size, phase_encode_axis):
    if network.degradation is LowResolution:
        return LowResolution(metadata.get("scale", 4.0))
    axis = metadata.get("phase_encode_axis", 0)
    knows_lines = metadata.get("measured_lines") is not None and phase_encode_axis in (None, axis)
    if knows_lines and tuple(metadata["image_size"]) == image_size:
        mask = trained_mask(metadata, image_size, network.name)
        return Undersampling(mask, metadata.get("mask", "array"))
    axis = axis if phase_encode_axis is None else phase_encode_axis
    try:
        mask = gaussian_mask(image_size, metadata.get("acceleration", 4), axis=axis)
    except InputError:  # too few lines for this acceleration
        mask = gaussian_mask(image_size, 2, center_lines=min(4, image_size[axis] // 2), axis=axis)
    return Undersampling(check_mask(mask, image_size))


def _spread(builder, split):
    """Slices at even distances through a split."""
    total = builder.info.splits[split].num_examples
    chosen = set(np.linspace(0, total - 1, min(NUM_SLICES, total)).astype(int).tolist())
    examples = builder.as_dataset(split=split, shuffle_files=False).as_numpy_iterator()
    return np.stack([example["image"] for i, example in enumerate(examples) if i in chosen])
