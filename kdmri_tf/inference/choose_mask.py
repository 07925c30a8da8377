"""Chooses the mask that undersamples a volume: drawn, given, or that of the network's training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.inference.training_conditions import TRAINED, trained_mask
from kdmri_tf.physics.calibration import usual_center_lines
from kdmri_tf.physics.masks import load_mask, read_mask
from kdmri_tf.physics.papers_sampling import PAPERS_SAMPLING, RAW_PHASE_ENCODE_AXIS
from kdmri_tf.physics.samplers import SAMPLERS, check_phase_encode_axis
from kdmri_tf.volumes.mask_file import read_mat_mask
from kdmri_tf.volumes.volume import ImageVolume

CENTER_LINES = 10
ARGUMENTS = {"acc": "acceleration"}  # flag -> argument, where they differ


def chosen_mask(
    volume: ImageVolume,
    network: Reconstructor,
    holds_images: bool,
    acceleration: float | None,
    mask: Path | str | None,
    **drawing: int | None,
) -> tuple[NDArray[np.float32], str] | None:
    """Returns a mask and, in words, its origin; None where k-space is taken as it is.

    Args:
        volume: to undersample.
        network: runs the reconstruction.
        holds_images: whether its file holds images, which must be undersampled.
        acceleration, mask: as for `acquisition_of`.
        drawing: `mask_seed`, `center_lines` and `phase_encode_axis`, the same.

    Raises:
        InputError: as `acquisition_of`.
    """
    if acceleration is None and mask is None and not holds_images:
        refuse_wishes(
            drawing,
            f"Without --acc, the samples of {volume.path} are used as they are",
            "--acc 4 draws a mask",
        )
        return None
    if acceleration is None and mask is None:
        is_drawn = any(wish is not None for wish in drawing.values())
        acceleration, mask = _as_in_training(volume, network.metadata, is_drawn)
    if mask is None or mask in SAMPLERS:
        return _drawn_mask(volume, network, str(mask or "gaussian"), acceleration, **drawing)
    axis = drawing.pop("phase_encode_axis", None)
    has_no_axis = axis is not None and not _is_of_lines(mask)
    refuse_wishes(
        {"acc": acceleration, **drawing, "phase_encode_axis": axis if has_no_axis else None},
        f"The mask {mask} is used as it is",
        f"that is for drawn masks ({', '.join(SAMPLERS)})",
    )
    return _ready_mask(volume, network, mask, axis)


def _as_in_training(
    volume: ImageVolume, facts: Mapping[str, Any], is_drawn: bool
) -> tuple[float | None, str | None]:
    """Returns (acceleration, mask) for images, with which the network was trained.

    That is its own mask where it fits and none is to be drawn, or else its acceleration.

    Raises:
        InputError: they are not known.
    """
    axis, lines, size = map(facts.get, ("phase_encode_axis", "measured_lines", "image_size"))
    if not is_drawn and None not in (axis, lines) and tuple(size or ()) == volume.image_size:
        return None, TRAINED
    if facts.get("acceleration") is None:
        raise InputError(
            f"{volume.path} holds images: add --acc 4 to undersample them (in code acceleration=4)."
        )
    return facts["acceleration"], None


def refuse_wishes(wishes: Mapping[str, object], reason: str, hint: str) -> None:
    """Refuses wishes, by the names of their flags and arguments, that would have no effect."""
    given = [name for name, wish in wishes.items() if wish is not None]
    if given:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        arguments = " and ".join(ARGUMENTS.get(name, name) for name in given)
        raise InputError(f"{reason}: leave out {flags}; {hint} (in code: {arguments}).")


def _drawn_mask(
    volume: ImageVolume,
    network: Reconstructor,
    sampler: str,
    acceleration: float | None,
    mask_seed: int | None = None,
    center_lines: int | None = None,
    phase_encode_axis: int | None = None,
) -> tuple[NDArray[np.float32], str]:
    """Returns a mask and, in words, its origin."""
    if acceleration is None:
        raise InputError(
            f"A {sampler} mask needs an acceleration: add --acc 4 (in code acceleration=4)."
        )
    axis = _usual_axis(network.metadata) if phase_encode_axis is None else phase_encode_axis
    if center_lines is None:
        check_phase_encode_axis(axis)
        num_lines = volume.image_size[axis]
        center_lines = _usual_lines(network.metadata, num_lines, acceleration)
    seed = 0 if mask_seed is None else mask_seed
    mask = SAMPLERS[sampler](
        volume.image_size, acceleration, center_lines=center_lines, axis=axis, seed=seed
    )
    return mask, f"undersampled by a {sampler} mask, seed {seed}"


def _ready_mask(
    volume: ImageVolume, network: Reconstructor, mask: Path | str, axis: int | None
) -> tuple[NDArray[np.float32], str]:
    """Returns a mask that is not drawn and, in words, its origin."""
    if mask == TRAINED:
        lines = trained_mask(network.metadata, volume.image_size, network.path)
        return lines, "undersampled by the mask of the network's training"
    if _is_mat(mask):
        return read_mat_mask(mask, volume.image_size), f"undersampled by {mask}"
    axis = _usual_axis(network.metadata) if axis is None else axis
    return load_mask(mask, volume.image_size, axis), f"undersampled by {mask}"


def _is_of_lines(mask: Path | str) -> bool:
    """Says whether a mask that is not drawn is a list of lines, whose axis is to be told."""
    return not (mask == TRAINED or _is_mat(mask)) and read_mask(mask).ndim == 1


def _is_mat(mask: Path | str) -> bool:
    return str(mask).lower().endswith(".mat")


def _usual_axis(facts: Mapping[str, Any]) -> int:
    """Returns the phase encode axis of the masks that a network was made for."""
    axes = (facts.get(name) for name in ("exported_phase_encode_axis", "phase_encode_axis"))
    unknown = RAW_PHASE_ENCODE_AXIS if facts.get("complex_images") else 0
    return next((axis for axis in axes if axis is not None), unknown)


def _usual_lines(facts: Mapping[str, Any], num_lines: int, acceleration: float) -> int:
    """Returns the centre lines of the masks that a network was made for.

    Of complex images they are at most what this image and acceleration leave room for.
    """
    known = facts.get("center_lines")  # not in files of earlier versions
    if facts.get("complex_images"):
        usual = usual_center_lines(num_lines, acceleration)
        return usual if known is None else min(known, usual)
    if known is not None:
        return known
    papers = PAPERS_SAMPLING.get(facts.get("dataset", ""))
    return papers.center_lines if papers else CENTER_LINES
