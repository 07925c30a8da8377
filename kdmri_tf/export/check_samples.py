"""The slices on which an exported network is calibrated and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.inference.training_conditions import trained_mask
from kdmri_tf.networks.network import Network
from kdmri_tf.phantoms.phantom_volume import phantom_volume
from kdmri_tf.physics.calibration import FEWEST_LINES, usual_center_lines
from kdmri_tf.physics.complex_undersampling import ComplexUndersampling
from kdmri_tf.physics.degradation import Degradation
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.masks import check_mask
from kdmri_tf.physics.papers_sampling import RAW_PHASE_ENCODE_AXIS
from kdmri_tf.physics.samplers import gaussian_mask
from kdmri_tf.physics.simulated_acquisition import SimulatedAcquisition
from kdmri_tf.physics.undersampling import Undersampling

NUM_SLICES = 16
USUAL_COILS = 8
CALIBRATION = 1  # second number of the seeds of scans to calibrate on; 0 of those to check on


@dataclass(frozen=True, eq=False)
class Samples:
    """Holds slices and how they are degraded.

    Attributes:
        images: to check on, float32 `(slices, H, W, 1)`, each with maximum 1; or fully sampled
            k-space `(slices, coils, H, W, 2)`, for networks of complex images.
        calibration: others, to find the ranges of 8-bit integers on.
        degradation: turns them into the network's inputs.
        origin: what they are, in words.
    """

    images: NDArray[np.float32]
    calibration: NDArray[np.float32]
    degradation: Degradation
    origin: str

    @property
    def image_size(self) -> tuple[int, int]:
        """Returns (H, W)."""
        height, width = self.images.shape[-3:-1]
        return height, width


def inputs_of(
    degradation: Degradation, images: NDArray[np.float32], first_scan: tuple[int, int] = (0, 0)
) -> dict[str, NDArray[np.float32]]:
    """Returns the inputs that a network gets from slices of `Samples`, as arrays by name."""
    return pair_of(degradation, images, first_scan)[0]


def pair_of(
    degradation: Degradation, images: NDArray[np.float32], first_scan: tuple[int, int] = (0, 0)
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """Returns the inputs that a network gets from slices of `Samples`, and the target.

    Args:
        degradation: of the samples.
        images: the slices.
        first_scan: seed of the first one's scan, where scans are simulated; those of the others
            follow in the first number.
    """
    slices: dict[str, Any] = {"kspace" if images.ndim == 5 else "image": images}
    if degradation.complex_images and "image" in slices:
        index, series = first_scan
        slices["seed"] = np.array([[index + i, series] for i in range(len(images))], np.int32)
    inputs, target = degradation.pair(**slices)
    return {name: np.asarray(value) for name, value in inputs.items()}, np.asarray(target)


def synthetic_samples(
    degradation: Degradation | type[Degradation],
    image_size: tuple[int, int],
    anatomy: str = "brain",
) -> Samples:
    """Makes slices of two phantoms.

    Args:
        degradation: how they are degraded; a class for its usual example.
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


def samples_of(
    metadata: Mapping[str, Any],
    network: Network,
    image_size: Sequence[int] | None = None,
    phase_encode_axis: int | None = None,
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    coils: int | None = None,
) -> Samples:
    """Returns slices like those a network was trained on: real ones if given, else of phantoms.

    Args:
        metadata: of the network, see `saved.describe`: data set, source, image size, mask.
        network: to be checked.
        image_size: (H, W); None for that of the training data.
        phase_encode_axis: 0 or 1; None for that of the mask it was trained with.
        manual_dir: folder of the raw data; without both folders the slices are synthetic.
        data_dir: folder of the prepared data.
        coils: of the k-space of a network of complex images; None for those of the training data,
            or else 8.

    Raises:
        InputError: the real slices cannot be read; or coils for a network that takes none.
    """
    from tfds_builders.catalog import DATASETS

    dataset = metadata.get("dataset") or "brain"
    source = metadata.get("source") or "synthetic"
    height, width = image_size or metadata.get("image_size") or (240, 240)
    image_size = (height, width)
    if coils is not None and not network.complex_images:
        raise InputError(
            f"{network.architecture} reconstructs magnitude images of one coil: leave coils out."
        )
    coils = coils or metadata.get("coils") or USUAL_COILS
    degradation = _degradation(metadata, network, image_size, phase_encode_axis, coils)
    if source == "synthetic" or not (manual_dir or data_dir):
        anatomy = DATASETS[dataset].anatomy if dataset in DATASETS else "brain"
        return synthetic_samples(degradation, image_size, anatomy)
    from tfds_builders.prepare import prepare

    is_raw = network.complex_images and source in DATASETS[dataset].kspace_sources
    builder = prepare(
        dataset,
        source,
        manual_dir=manual_dir,
        data_dir=data_dir,
        image_size=image_size,
        coils=coils if is_raw else None,
    )
    return prepared_samples(builder, degradation)


def prepared_samples(builder: tfds.core.DatasetBuilder, degradation: Degradation) -> Samples:
    """Reads slices of a prepared data set: validation to check on, training to calibrate.

    Args:
        builder: as in `MRIData`.
        degradation: how they are degraded.
    """
    images, calibration = (_spread(builder, split) for split in ("validation", "train"))
    origin = f"validation slices of {builder.name} ({builder.builder_config.source})"
    return Samples(images, calibration, degradation, f"{len(images)} {origin}")


def _degradation(
    metadata: Mapping[str, Any],
    network: Network,
    image_size: tuple[int, int],
    phase_encode_axis: int | None,
    coils: int,
) -> Degradation:
    """Returns the degradation of a network's training, as far as it is known and fits."""
    if network.degradation is LowResolution:
        return LowResolution(metadata.get("scale") or 4.0)
    mask, origin = _mask(metadata, network, image_size, phase_encode_axis)
    if not network.complex_images:
        return Undersampling(mask, origin)
    return ComplexUndersampling(
        mask, origin, coils=coils, acquisition=SimulatedAcquisition(coils, snr=None)
    )


def _mask(
    metadata: Mapping[str, Any],
    network: Network,
    image_size: tuple[int, int],
    phase_encode_axis: int | None,
) -> tuple[NDArray[np.float32], str]:
    """Returns a mask like that of the training, and its origin."""
    usual_axis = RAW_PHASE_ENCODE_AXIS if network.complex_images else 0
    known_axis = metadata.get("phase_encode_axis")
    axis = usual_axis if known_axis is None else known_axis
    knows_lines = metadata.get("measured_lines") is not None and phase_encode_axis in (None, axis)
    if knows_lines and tuple(metadata.get("image_size") or ()) == image_size:
        mask = trained_mask(metadata, image_size, network.name)
        return mask, metadata.get("mask") or "array"
    axis = axis if phase_encode_axis is None else phase_encode_axis
    acceleration, num_lines = metadata.get("acceleration") or 4, image_size[axis]
    if network.complex_images:
        lines = usual_center_lines(num_lines, acceleration)
        if lines >= FEWEST_LINES:
            return gaussian_mask(image_size, acceleration, lines, axis), "array"
        return gaussian_mask(image_size, 2, max(FEWEST_LINES, num_lines // 3), axis), "array"
    try:
        mask = gaussian_mask(image_size, acceleration, axis=axis)
    except InputError:  # too few lines for this acceleration
        mask = gaussian_mask(image_size, 2, center_lines=min(4, num_lines // 2), axis=axis)
    return check_mask(mask, image_size), "array"


def _spread(builder: tfds.core.DatasetBuilder, split: str) -> NDArray[np.float32]:
    """Reads slices at even distances through a split: images, or k-space where that is kept."""
    name = "kspace" if "kspace" in builder.info.features else "image"
    total = builder.info.splits[split].num_examples
    chosen = set(np.linspace(0, total - 1, min(NUM_SLICES, total)).astype(int).tolist())
    examples = builder.as_dataset(split=split, shuffle_files=False).as_numpy_iterator()
    return np.stack([example[name] for i, example in enumerate(examples) if i in chosen])
