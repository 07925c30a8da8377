"""Data sets by name: prepared if need be, and paired with what degrades their images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from numpy.typing import NDArray

from kdmri_tf.data.augmentation import Augment, Variation, check_augment
from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.errors import InputError
from kdmri_tf.physics.calibration import usual_center_lines
from kdmri_tf.physics.complex_undersampling import ComplexUndersampling, check_same_coils
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.mask_choice import MaskChoice
from kdmri_tf.physics.papers_sampling import RAW_PHASE_ENCODE_AXIS
from kdmri_tf.physics.simulated_acquisition import SimulatedAcquisition, check_coils
from kdmri_tf.physics.undersampling import Undersampling
from tfds_builders.catalog import DATASETS
from tfds_builders.prepare import prepare
from tfds_builders.sources import report_unused_coils, resolve_source


def load_data(
    dataset: str,
    acceleration: float = 4,
    *,
    source: str = "auto",
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    mask: Path | str | NDArray = "gaussian",
    mask_seed: int = 0,
    center_lines: int | None = None,
    phase_encode_axis: int | None = None,
    image_size: Sequence[int] | None = None,
    augment: Augment | None = None,
    random_masks: bool = False,
    coils: int | None = None,
    acquisition: SimulatedAcquisition | None = None,
    rebuild: bool = False,
    skip_unreadable: bool = False,
    file_format: str | None = None,
    num_workers: int | None = None,
    beam_pipeline_options: str | None = None,
) -> MRIData:
    """Prepares a data set if need be and pairs it with a sampling mask.

    Args:
        dataset: "cardiac", "brain", "knee", "calgary" or "own".
        acceleration: nominal acceleration, which labels results; a mask that you give must come
            close to it.
        source: where the images come from, such as "acdc", "folder" or "synthetic"; "auto" takes
            the first real source whose files are there or, with a warning, "synthetic".
        manual_dir: folder that holds the raw files as `<dataset>/<source>/...`.
        data_dir: folder of the prepared data sets; by default that of TensorFlow Datasets.
        mask: "gaussian", "uniform", "equispaced", or a mask of 0 and 1, unshifted: a .npy file or
            an array, `(H, W)` or one value for each phase-encode line, `(H,)` or `(W,)`.
        mask_seed: seed of a sampled mask.
        center_lines: lowest lines that a sampled mask always measures; None for as many as the
            papers' masks: 30 for the knee, 10 for the others; of complex images, of which coil
            sensitivities are estimated, 24, or two thirds of all measured lines if these are fewer.
        phase_encode_axis: axis along which a sampled mask, or one of lines for square images,
            leaves out lines, 0 or 1; None for that of the papers' masks, 1 for the knee, 0 for the
            others; with `coils` 1, as in scanners' files.
        image_size: (H, W) to crop or zero-pad to, instead of the source's own.
        augment: `(image float32 (H, W, 1), seed int32 (2,)) -> image` in TensorFlow, as for
            `tf.image.stateless_*`; changes the training slices alone, anew in every pass.
        random_masks: gives every training slice in every pass one of 256 masks, picked anew and
            drawn with the sampler that `mask` names; the validation split keeps the one of
            `mask_seed`.
        coils: None for magnitude images, the papers' case. A number makes complex images, for
            `DCCNN(..., complex_images=True)`, with k-space of so many coils: raw where the source
            has it, more coils compressed to so many virtual ones; else simulated, see
            `SimulatedAcquisition`.
        acquisition: how scans are simulated, of the source's magnitude images, even where it has
            raw k-space; it sets the number of coils, too.
        rebuild: prepares anew from the raw files.
        skip_unreadable: leaves out raw files that cannot be read, and reports them, instead of
            stopping.
        file_format: "tfrecord", or "array_record" to read the slices with PyTorch as well; None for
            what they are prepared as, else "tfrecord".
        num_workers: how many processes prepare raw files side by side, by Apache Beam; None for
            this process alone.
        beam_pipeline_options: for another runner of Apache Beam, "runner=...,job_name=...".

    Raises:
        InputError: an unknown name, missing or changed raw files, a mask that does not fit the
            images or the acceleration, random masks without a sampler, an `augment` that returns
            anything but such an image or that raw k-space does not allow; too few centre lines for
            the sensitivities of coils.

    Example:
        >>> import tempfile
        >>> from kdmri_tf import load_data
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
        ...     data = load_data("cardiac", 2, source="synthetic", center_lines=4,
        ...                      image_size=(32, 32), data_dir=folder)
        Downloading and preparing dataset ...
        >>> data.mask.shape, data.acceleration, data.num_slices
        ((32, 32), 2.0, {'train': 72, 'validation': 24})
    """
    choice = MaskChoice(mask, acceleration, mask_seed, random_masks)
    if choice.is_given and center_lines is not None:
        raise InputError(
            "center_lines is for a mask drawn by a sampler, but you gave a mask "
            f"({choice.origin}): leave it out."
        )
    if phase_encode_axis is not None and not choice.needs_axis:
        raise InputError(
            "A phase-encode axis is for a mask that is drawn or has one value for each line, but "
            f"the mask {choice.origin} has two axes: leave it out (--phase-encode-axis; in code "
            "phase_encode_axis)."
        )
    if acquisition is not None and coils is None:
        coils = acquisition.coils
    if coils is not None:
        coils = check_coils(coils)
        if acquisition is not None:
            check_same_coils(coils, acquisition)
        source = resolve_source(dataset, source, manual_dir, None if acquisition else coils)
        if acquisition is None and source not in DATASETS[dataset].kspace_sources:
            report_unused_coils(dataset, source, manual_dir)
            acquisition = SimulatedAcquisition(coils)
    builder, image_size = _prepare(
        dataset,
        augment,
        source=source,
        manual_dir=manual_dir,
        data_dir=data_dir,
        image_size=image_size,
        coils=None if acquisition else coils,
        rebuild=rebuild,
        skip_unreadable=skip_unreadable,
        file_format=file_format,
        num_workers=num_workers,
        beam_pipeline_options=beam_pipeline_options,
    )
    usual = DATASETS[dataset].sampling
    usual_axis = usual.phase_encode_axis if coils is None else RAW_PHASE_ENCODE_AXIS
    axis = usual_axis if phase_encode_axis is None else phase_encode_axis
    lines = usual.center_lines if center_lines is None else center_lines
    if coils is not None and center_lines is None:
        lines = usual_center_lines(image_size[axis], acceleration)
    mask, drawn = choice.masks_for(image_size, lines, axis)
    measured = mask, choice.origin, float(acceleration), None if choice.is_given else lines
    varies = augment or random_masks or acquisition
    variation = Variation(augment, drawn, acquisition is not None) if varies else None
    if coils is None:
        return MRIData(builder, Undersampling(*measured), variation)
    return MRIData(builder, ComplexUndersampling(*measured, coils, acquisition), variation)


def load_super_resolution(
    dataset: str, scale: float = 4, *, augment: Augment | None = None, **source: Any
) -> MRIData:
    """Prepares a data set if need be, for networks that are given images at low resolution.

    Args:
        dataset: as in `load_data`.
        scale: how many times fewer frequencies are kept along each axis; see `LowResolution`.
        augment: as in `load_data`, such as `random_flips`.
        source: `source`, `manual_dir`, `data_dir`, `image_size`, `rebuild`, `skip_unreadable`,
            `file_format`, `num_workers` and `beam_pipeline_options`, as in `load_data`.

    Raises:
        InputError: as `load_data`; or a scale below 1, or so large that nothing is left.

    Example:
        >>> import tempfile
        >>> from kdmri_tf import load_super_resolution
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
        ...     data = load_super_resolution("cardiac", scale=4, source="synthetic",
        ...                                  image_size=(32, 32), data_dir=folder)
        ...     inputs, image = next(iter(data.batches("train", batch_size=2)))
        Downloading and preparing dataset ...
        >>> data.degradation.label, list(inputs), tuple(image.shape)
        ('4x super-resolution', ['low_resolution'], (2, 32, 32, 1))
    """
    degradation = LowResolution(float(scale))
    builder, image_size = _prepare(dataset, augment, **source)
    degradation.kept_size(image_size)  # raises where nothing is left
    return MRIData(builder, degradation, Variation(augment) if augment else None)


def _prepare(
    dataset: str, augment: Augment | None, **source: Any
) -> tuple[tfds.core.DatasetBuilder, tuple[int, int]]:
    """Returns the prepared builder and its image size; checks `augment`."""
    if augment is not None and not callable(augment):
        raise InputError(f"augment must be a function (image, seed) -> image, not {augment!r}.")
    builder = prepare(dataset, **source)
    coils = source.get("coils")
    feature = builder.info.features["image" if coils is None else "kspace"]
    image_size = feature.shape[-3:-1]
    if augment is not None:
        check_augment(augment, image_size, coils)
    return builder, image_size
