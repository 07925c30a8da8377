"""Data sets by name: prepared if need be, and paired with what degrades their images."""

from kdmri_tf.data.augmentation import Variation, check_augment
from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.errors import InputError
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.mask_choice import MaskChoice
from kdmri_tf.physics.undersampling import Undersampling
from tfds_builders.catalog import DATASETS


def load_data(
    dataset,
    acceleration=4,
    *,
    source="auto",
    manual_dir=None,
    data_dir=None,
    mask="gaussian",
    mask_seed=0,
    center_lines=None,
    phase_encode_axis=None,
    image_size=None,
    augment=None,
    random_masks=False,
    rebuild=False,
    skip_unreadable=False,
):
    """Prepares a data set if need be and pairs it with a sampling mask.

    Args:
        dataset: "cardiac", "brain", "knee" or "calgary".
        acceleration: nominal acceleration, as results are labelled; a given mask must come close.
        source: where the images come from, such as "acdc", "folder" or "synthetic"; "auto" takes
            the first real source whose files are there, and else, with a warning, "synthetic".
        manual_dir: folder that holds the raw files as `<dataset>/<source>/...`.
        data_dir: folder of the prepared data sets; by default that of TensorFlow Datasets.
        mask: "gaussian", "uniform", "equispaced", or a mask of 0 and 1, unshifted: a .npy file or
            an array `(H, W)`.
        mask_seed: seed of a sampled mask.
        center_lines: lowest lines that a sampled mask always measures; None for those of the
            papers' masks, 10, and 30 of the knee.
        phase_encode_axis: along which a sampled mask leaves lines out: 0 or 1; None for that of the
            papers' masks, 0, and 1 of the knee.
        image_size: (H, W) to crop or zero-pad to, instead of the source's own.
        augment: `(image float32 (H, W, 1), seed int32 (2,)) -> image` in TensorFlow, as for
            `tf.image.stateless_*`; changes the training slices alone, anew in every pass.
        random_masks: gives every training slice in every pass one of 256 masks, picked anew and
            drawn with the sampler that `mask` names; the validation split keeps the one of
            `mask_seed`.
        rebuild: prepare anew from the raw files.
        skip_unreadable: leave out raw files that cannot be read, and report them, instead of
            stopping.

    Returns:
        `MRIData`.

    Raises:
        InputError: an unknown name, missing or changed raw files, a mask that does not fit the
            images or the acceleration, random masks without a sampler, an `augment` that gives no
            such image.
    """
    sampling = MaskChoice(mask, acceleration, mask_seed, random_masks)
    if sampling.is_given and (center_lines, phase_encode_axis) != (None, None):
        raise InputError(
            "center_lines and phase_encode_axis are of masks that are sampled, but the mask "
            f"{sampling.origin} is given: leave them out."
        )
    builder, image_size = _prepare(
        dataset,
        augment,
        source=source,
        manual_dir=manual_dir,
        data_dir=data_dir,
        image_size=image_size,
        rebuild=rebuild,
        skip_unreadable=skip_unreadable,
    )
    usual = DATASETS[dataset].sampling
    lines = usual.center_lines if center_lines is None else center_lines
    axis = usual.phase_encode_axis if phase_encode_axis is None else phase_encode_axis
    mask, drawn = sampling.masks_for(image_size, lines, axis)
    variation = Variation(augment, drawn) if augment or random_masks else None
    return MRIData(builder, Undersampling(mask, sampling.origin, float(acceleration)), variation)


def load_super_resolution(dataset, scale=4, *, augment=None, **source):
    """Prepares a data set if need be, to be seen at low resolution.

    Args:
        dataset: as in `load_data`.
        scale: how many times fewer frequencies are kept along each axis; see `LowResolution`.
        augment: as in `load_data`, such as `random_flips`.
        source: `source`, `manual_dir`, `data_dir`, `image_size`, `rebuild` and `skip_unreadable`,
            as in `load_data`.

    Returns:
        `MRIData`.

    Raises:
        InputError: as `load_data`; or a scale below 1, or so large that nothing is left.
    """
    degradation = LowResolution(float(scale))
    builder, image_size = _prepare(dataset, augment, **source)
    degradation.kept_size(image_size)  # raises where nothing is left
    return MRIData(builder, degradation, Variation(augment) if augment else None)


def _prepare(dataset, augment, **source):
    """The prepared builder and its image size; `augment` is checked."""
    if augment is not None and not callable(augment):
        raise InputError(f"augment must be a function (image, seed) -> image, not {augment!r}.")

    # Imported here since the builders themselves import from kdmri_tf.
    from tfds_builders.prepare import prepare

    builder = prepare(dataset, **source)
    image_size = builder.info.features["image"].shape[:2]
    if augment is not None:
        check_augment(augment, image_size)
    return builder, image_size
