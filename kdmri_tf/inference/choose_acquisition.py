"""Chooses the acquisition that fits a volume, a network and a user's wishes."""

from pathlib import Path
from typing import TypedDict

from kdmri_tf.errors import InputError
from kdmri_tf.inference.acquisition import (
    Acquisition,
    LoweredResolution,
    LowResolutionAlready,
    Undersampled,
    UndersampledAlready,
)
from kdmri_tf.inference.choose_mask import chosen_mask, refuse_wishes
from kdmri_tf.inference.coil_sensitivities import sensitivities_of
from kdmri_tf.inference.raw_acquisition import RawAcquisition
from kdmri_tf.inference.raw_volume import raw_volume
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.volumes.measured_mask import measured_mask
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume


class Wishes(TypedDict, total=False):
    """The keyword arguments of `acquisition_of`."""

    acceleration: float | None
    mask: Path | str | None
    mask_seed: int | None
    center_lines: int | None
    phase_encode_axis: int | None
    scale: float | None
    coils: int | None
    sensitivities: Path | str | None
    readout_rows: int | None


def acquisition_of(
    volume: ImageVolume,
    network: Reconstructor,
    acceleration: float | None = None,
    mask: Path | str | None = None,
    mask_seed: int | None = None,
    center_lines: int | None = None,
    phase_encode_axis: int | None = None,
    scale: float | None = None,
    coils: int | None = None,
    sensitivities: Path | str | None = None,
    readout_rows: int | None = None,
) -> Acquisition:
    """Chooses what a network is given from a volume.

    Args:
        volume: from `open_volume`.
        network: runs the reconstruction.
        acceleration: undersample with a drawn mask; None for a mask that is used as it is, for
            images that are undersampled as in the network's training (by its mask, where it is for
            this size), or where k-space is undersampled already.
        mask: sampler of a drawn mask (None: "gaussian"), or a mask that is used as it is: a .npy
            file, or "trained", see `trained_mask`.
        mask_seed: of a drawn mask; None for 0.
        center_lines: of a drawn mask; None for as many as in the network's training or, where that
            is not known, as in the papers' masks of its data set, or else 10; for complex images
            24, or two thirds of all measured lines if these are fewer.
        phase_encode_axis: of a drawn mask, or of a file of lines for square images; None for that
            of the network, or else 0; for complex images 1.
        scale: lower the resolution by this factor first, for a super-resolution network.
        coils: for a network of complex images: compress the coils to so many virtual ones; None for
            the number that the network is exported for, or else all.
        sensitivities: of these coils: "low-resolution" (as None) or "espirit", from the measured
            centre of k-space; or a file of maps, see `load_sensitivities`.
        readout_rows: crop the image of k-space to so many rows, where the readout is oversampled;
            None for what the header of the file says.

    Raises:
        InputError: the volume and these wishes do not fit each other or the network, or one of them
            would have no effect.
    """
    drawing: dict[str, int | None] = {
        "mask_seed": mask_seed,
        "center_lines": center_lines,
        "phase_encode_axis": phase_encode_axis,
    }
    if network.complex_images:
        refuse_scale(scale, network)
        return _raw(
            *(volume, network, acceleration, mask, drawing),
            *(coils, sensitivities, readout_rows),
        )
    refuse_wishes(
        {"coils": coils, "sensitivities": sensitivities, "readout_rows": readout_rows},
        f"{network.path} reconstructs magnitude images of one coil",
        "a network of complex images takes raw k-space",
    )
    network.check_image_size(volume.image_size)
    if network.input_names == ("low_resolution",):
        refuse_wishes(
            {"acc": acceleration, "mask": mask, **drawing},
            f"{network.path} raises the resolution and takes no mask",
            "--scale 4 lowers the resolution",
        )
        return LowResolutionAlready(volume) if scale is None else LoweredResolution(volume, scale)
    refuse_scale(scale, network)
    holds_images = not isinstance(volume, KspaceVolume)
    chosen = chosen_mask(volume, network, holds_images, acceleration, mask, **drawing)
    if chosen is None:
        assert isinstance(volume, KspaceVolume)
        acquisition: Undersampled = UndersampledAlready(volume)
    else:
        acquisition = Undersampled(volume, *chosen)
    network.check_mask(acquisition.mask)
    return acquisition


def refuse_scale(scale: float | None, network: Reconstructor) -> None:
    """Refuses a wish that is for super-resolution.

    Raises:
        InputError: there is one.
    """
    reason = f"{network.path} reconstructs undersampled k-space"
    refuse_wishes({"scale": scale}, reason, "--acc 4 undersamples")


def _raw(
    volume: ImageVolume,
    network: Reconstructor,
    acceleration: float | None,
    mask: Path | str | None,
    drawing: dict[str, int | None],
    coils: int | None,
    sensitivities: Path | str | None,
    readout_rows: int | None,
) -> RawAcquisition:
    """Chooses what a network of complex images is given; the arguments of `acquisition_of`."""
    if network.metadata.get("estimates_sensitivities"):
        refuse_wishes(
            {"sensitivities": sensitivities},
            f"{network.path} estimates the sensitivities itself",
            "another export takes them",
        )
    holds_images = not isinstance(volume, KspaceVolume)
    if coils is None and isinstance(volume, KspaceVolume):
        coils = _fitting_coils(volume, network)
    raw, done = raw_volume(volume, coils, readout_rows)
    network.check_image_size(raw.image_size)
    chosen = chosen_mask(raw, network, holds_images, acceleration, mask, **drawing)
    lines, origin = chosen or (measured_mask(raw), "undersampled already")
    network.check_mask(lines)
    maps, of_coils = sensitivities_of(raw, lines, sensitivities)
    words, is_complete = f"{of_coils}{done}, {origin}", chosen is not None
    return RawAcquisition(raw, lines, words, maps, is_complete, may_have_gaps=not holds_images)


def _fitting_coils(volume: KspaceVolume, network: Reconstructor) -> int | None:
    """Returns how many virtual coils a network takes; None where it takes any number.

    Raises:
        InputError: it takes one, and there are more, as one virtual coil sees a part of the body;
            or there are fewer than it takes.
    """
    taken, found = network.coils, volume.num_coils
    if taken is None or taken == found:
        return None
    if taken > found:
        raise InputError(
            f"{network.path} was exported for {taken} coils, but {volume.path} has {found}: export "
            f"it again (--coils {found})."
        )
    if taken == 1:
        raise InputError(
            f"{network.path} was exported for one coil, but {volume.path} has {found}: export it "
            f"again (--coils {found}), or compress them to one, which shades the image (--coils 1; "
            "in code coils=1)."
        )
    return taken
