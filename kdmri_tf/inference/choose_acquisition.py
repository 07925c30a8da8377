"""Chooses the acquisition that fits a volume, a network and a user's wishes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.inference.acquisition import (
    Acquisition,
    LoweredResolution,
    LowResolutionAlready,
    Undersampled,
    UndersampledAlready,
)
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.inference.training_conditions import TRAINED, trained_mask
from kdmri_tf.physics.masks import load_mask
from kdmri_tf.physics.papers_sampling import PAPERS_SAMPLING
from kdmri_tf.physics.samplers import SAMPLERS
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume

CENTER_LINES = 10


class Wishes(TypedDict, total=False):
    """The keyword arguments of `acquisition_of`."""

    acceleration: float | None
    mask: Path | str | None
    mask_seed: int | None
    center_lines: int | None
    phase_encode_axis: int | None
    scale: float | None


def acquisition_of(
    volume: ImageVolume,
    network: Reconstructor,
    acceleration: float | None = None,
    mask: Path | str | None = None,
    mask_seed: int | None = None,
    center_lines: int | None = None,
    phase_encode_axis: int | None = None,
    scale: float | None = None,
) -> Acquisition:
    """Chooses what a network is given from a volume.

    Args:
        volume: from `open_volume`.
        network: runs the reconstruction.
        acceleration: undersample with a drawn mask; None for a mask that is used as it is, or where
            the volume is undersampled already.
        mask: sampler of a drawn mask (None: "gaussian"), or a mask that is used as it is: a .npy
            file, or "trained", see `trained_mask`.
        mask_seed: of a drawn mask; None for 0.
        center_lines: of a drawn mask; None for those of the network's data set, or else 10.
        phase_encode_axis: of a drawn mask; None for that of the network, or else 0.
        scale: lower the resolution by this factor first, for a super-resolution network.

    Raises:
        InputError: the volume and these wishes do not fit each other or the network, or one of them
            would have no effect.
    """
    drawing: dict[str, Any] = {
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
            f"Without --acc, the samples of {volume.path} are used as they are",
            "--acc 4 draws a mask",
        )
        acquisition: Undersampled = UndersampledAlready(volume)
    elif mask is None or mask in SAMPLERS:
        drawn = _drawn_mask(volume, network, str(mask or "gaussian"), acceleration, **drawing)
        acquisition = Undersampled(volume, *drawn)
    else:
        _refuse(
            {"acc": acceleration, **drawing},
            f"The mask {mask} is used as it is",
            f"that is for drawn masks ({', '.join(SAMPLERS)})",
        )
        acquisition = Undersampled(volume, *_ready_mask(volume, network, mask))
    network.check_mask(acquisition.mask)
    return acquisition


def _refuse(wishes: Mapping[str, object], reason: str, hint: str) -> None:
    """Refuses wishes, by the names of their flags, that would have no effect."""
    given = [f"--{name.replace('_', '-')}" for name, wish in wishes.items() if wish is not None]
    if given:
        raise InputError(f"{reason}: leave out {' and '.join(given)}; {hint}.")


def _drawn_mask(
    volume: ImageVolume,
    network: Reconstructor,
    sampler: str,
    acceleration: float | None,
    mask_seed: int | None,
    center_lines: int | None,
    phase_encode_axis: int | None,
) -> tuple[NDArray[np.float32], str]:
    """Returns a mask and, in words, its origin."""
    if acceleration is None:
        raise InputError(f"A {sampler} mask needs an acceleration: add --acc 4.")
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


def _ready_mask(
    volume: ImageVolume, network: Reconstructor, mask: Path | str
) -> tuple[NDArray[np.float32], str]:
    """Returns a mask that is not drawn and, in words, its origin."""
    if mask == TRAINED:
        lines = trained_mask(network.metadata, volume.image_size, network.path)
        return lines, "undersampled by the mask of the network's training"
    return load_mask(mask, volume.image_size), f"undersampled by {mask}"


def _usual(facts: Mapping[str, Any]) -> tuple[int, int]:
    """Returns centre lines and phase encode axis of the masks that a network was made for."""
    papers = PAPERS_SAMPLING.get(facts.get("dataset", ""))
    axes = (facts.get(name) for name in ("exported_phase_encode_axis", "phase_encode_axis"))
    axis = next((axis for axis in axes if axis is not None), 0)
    return papers.center_lines if papers else CENTER_LINES, axis
