"""Which acquisition a volume, a network and a user's wishes come to."""

from kdmri_tf.acquisition import (
    LoweredResolution,
    LowResolutionAlready,
    Undersampled,
    UndersampledAlready,
)
from kdmri_tf.errors import InputError
from kdmri_tf.masks import SAMPLERS, load_mask
from kdmri_tf.volumes import KspaceVolume
from tfds_builders.catalog import DATASETS

CENTER_LINES = 10


def acquisition_of(
    volume,
    network,
    acceleration=None,
    mask=None,
    mask_seed=0,
    center_lines=None,
    phase_encode_axis=None,
    scale=None,
):
    """What of a volume the network is given.

    Args:
        volume: from `open_volume`.
        network: a `Reconstructor`.
        acceleration: undersample by a drawn mask; None for a mask file, or where the volume is
            undersampled already.
        mask: sampler of that mask (None: "gaussian"), or a .npy file, which is taken as it is.
        mask_seed: of a drawn mask.
        center_lines: of a drawn mask; None for those of the network's data set, or else 10.
        phase_encode_axis: of a drawn mask; None for that of the network, or else 0.
        scale: of a network for super-resolution, lower the resolution so many times.

    Raises:
        InputError: the volume and these wishes do not fit each other or the network.
    """
    network.check_image_size(volume.image_size)
    if network.input_names == ("low_resolution",):
        if acceleration is not None or mask is not None:
            raise InputError(
                f"{network.path} raises the resolution and takes no mask: leave out --acc and "
                "--mask; --scale 4 lowers the resolution."
            )
        return LowResolutionAlready(volume) if scale is None else LoweredResolution(volume, scale)
    if scale is not None:
        raise InputError(
            f"{network.path} reconstructs undersampled k-space: leave out --scale; --acc 4 "
            "undersamples."
        )
    if acceleration is None and mask is None:
        if not isinstance(volume, KspaceVolume):
            raise InputError(f"{volume.path} holds images: add --acc 4 to undersample them.")
        acquisition = UndersampledAlready(volume)
    else:
        usual_lines, usual_axis = _usual(network.metadata)
        drawn = {
            "center_lines": usual_lines if center_lines is None else center_lines,
            "axis": usual_axis if phase_encode_axis is None else phase_encode_axis,
            "seed": mask_seed,
        }
        found = _requested_mask(volume.image_size, acceleration, mask, drawn)
        acquisition = Undersampled(volume, *found)
    network.check_mask(acquisition.mask)
    return acquisition


def _usual(facts):
    """Centre lines and phase-encode axis of masks that the network was made for."""
    spec = DATASETS.get(facts.get("dataset"))
    axes = (facts.get(name) for name in ("exported_phase_encode_axis", "phase_encode_axis"))
    axis = next((axis for axis in axes if axis is not None), 0)
    return spec.center_lines if spec else CENTER_LINES, axis


def _requested_mask(image_size, acceleration, mask, drawn):
    """The mask and, in words, its origin; `drawn` are arguments of a sampler."""
    if mask in SAMPLERS and acceleration is None:
        raise InputError(f"The {mask} mask needs an acceleration: add --acc 4.")
    if mask is None or mask in SAMPLERS:
        sampler = mask or "gaussian"
        return SAMPLERS[sampler](image_size, acceleration, **drawn), (
            f"undersampled by a {sampler} mask, seed {drawn['seed']}"
        )
    if acceleration is not None:
        raise InputError(f"The mask {mask} has an acceleration of its own: leave out --acc.")
    return load_mask(mask, image_size), f"undersampled by {mask}"
