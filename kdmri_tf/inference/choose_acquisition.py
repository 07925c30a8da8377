"""Which acquisition a volume, a network and a user's wishes come to."""

from kdmri_tf.errors import InputError
from kdmri_tf.inference.acquisition import (
    LoweredResolution,
    LowResolutionAlready,
    Undersampled,
    UndersampledAlready,
)
from kdmri_tf.inference.training_conditions import TRAINED, trained_mask
from kdmri_tf.physics.masks import SAMPLERS, load_mask
from kdmri_tf.volumes.volume import KspaceVolume
from tfds_builders.catalog import DATASETS

CENTER_LINES = 10


def acquisition_of(
    volume,
    network,
    acceleration=None,
    mask=None,
    mask_seed=None,
    center_lines=None,
    phase_encode_axis=None,
    scale=None,
):
    """What of a volume the network is given.

    Args:
        volume: from `open_volume`.
        network: a `Reconstructor`.
        acceleration: undersample by a drawn mask; None for a mask that is taken as it is, or where
            the volume is undersampled already.
        mask: sampler of a drawn mask (None: "gaussian"), or one that is taken as it is: a .npy
            file, or "trained", see `trained_mask`.
        mask_seed: of a drawn mask; None for 0.
        center_lines: of a drawn mask; None for those of the network's data set, or else 10.
        phase_encode_axis: of a drawn mask; None for that of the network, or else 0.
        scale: of a network for super-resolution, lower the resolution so many times.

    Raises:
        InputError: the volume and these wishes do not fit each other or the network, or one of them
            would have no effect.
    """
    drawing = {
        "mask_seed": mask_seed,
        "center_lines": center_lines,
        "phase_encode_axis": phase_encode_axis,
    }
    network.check_image_size(volume.image_size)
    if network.input_names == ("low_resolution",):
        _refuse(
            {"acc": acceleration, "mask": mask, **drawing},
            f"{network.path} raises the resolution and takes no mask",
            "--scale 4 lowers the resolution",
        )
        return LowResolutionAlready(volume) if scale is None else LoweredResolution(volume, scale)
    _refuse(
        {"scale": scale},
        f"{network.path} reconstructs undersampled k-space",
        "--acc 4 undersamples",
    )
    if acceleration is None and mask is None:
        if not isinstance(volume, KspaceVolume):
            raise InputError(f"{volume.path} holds images: add --acc 4 to undersample them.")
        _refuse(
            drawing,
            f"Without --acc the samples of {volume.path} are taken as they are",
            "--acc 4 draws a mask",
        )
        acquisition = UndersampledAlready(volume)
    elif mask is None or mask in SAMPLERS:
        drawn = _drawn_mask(volume, network, mask or "gaussian", acceleration, **drawing)
        acquisition = Undersampled(volume, *drawn)
    else:
        _refuse(
            {"acc": acceleration, **drawing},
            f"The mask {mask} is taken as it is",
            f"that is for drawn masks ({', '.join(SAMPLERS)})",
        )
        acquisition = Undersampled(volume, *_ready_mask(volume, network, mask))
    network.check_mask(acquisition.mask)
    return acquisition


def _refuse(wishes, reason, hint):
    """Refuses wishes, by the names of their flags, that would have no effect."""
    given = [f"--{name.replace('_', '-')}" for name, wish in wishes.items() if wish is not None]
    if given:
        raise InputError(f"{reason}: leave out {' and '.join(given)}; {hint}.")


def _drawn_mask(volume, network, sampler, acceleration, mask_seed, center_lines, phase_encode_axis):
    """A mask and, in words, its origin."""
    if acceleration is None:
        raise InputError(f"The {sampler} mask needs an acceleration: add --acc 4.")
    usual_lines, usual_axis = _usual(network.metadata)
    seed = 0 if mask_seed is None else mask_seed
    mask = SAMPLERS[sampler](
        volume.image_size,
        acceleration,
        center_lines=usual_lines if center_lines is None else center_lines,
        axis=usual_axis if phase_encode_axis is None else phase_encode_axis,
        seed=seed,
    )
    return mask, f"undersampled by a {sampler} mask, seed {seed}"


def _ready_mask(volume, network, mask):
    """As `_drawn_mask`."""
    if mask == TRAINED:
        lines = trained_mask(network.metadata, volume.image_size, network.path)
        return lines, "undersampled by the mask of the network's training"
    return load_mask(mask, volume.image_size), f"undersampled by {mask}"


def _usual(facts):
    """Centre lines and phase-encode axis of masks that the network was made for."""
    spec = DATASETS.get(facts.get("dataset"))
    axes = (facts.get(name) for name in ("exported_phase_encode_axis", "phase_encode_axis"))
    axis = next((axis for axis in axes if axis is not None), 0)
    return spec.center_lines if spec else CENTER_LINES, axis
