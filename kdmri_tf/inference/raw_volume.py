"""The k-space of a volume as a network of complex images takes it: cropped, of so many coils."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.coil_compression import centre_of, energy, mix_coils, virtual_coils
from kdmri_tf.volumes.crop_readout import crop_readout
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume


def raw_volume(
    volume: ImageVolume, coils: int | None = None, readout_rows: int | None = None
) -> tuple[KspaceVolume, str]:
    """Prepares a volume for a network of complex images.

    K-space loses the oversampling of its readout, which the header or the user names, and is
    compressed to virtual coils where that is asked for. Images, real or complex, are the k-space of
    one coil.

    Args:
        volume: from `open_volume`.
        coils: virtual coils to compress to; None keeps all.
        readout_rows: rows to keep, in the middle; None for those that the header says.

    Returns:
        The volume, and what was done, in words that begin with ", ", or "".

    Raises:
        InputError: more virtual coils than there are, or as `crop_readout`.
    """
    if not isinstance(volume, KspaceVolume):
        if coils not in (None, 1):
            raise InputError(
                f"{volume.path} holds images, which count as one coil, but {coils} coils are asked "
                "for: leave --coils out (in code coils)."
            )
        return _kspace_of_images(volume), ", images taken as one coil"
    cropped = crop_readout(volume, readout_rows)
    done = ""
    if cropped is not volume:
        done = f", readout cropped from {volume.image_size[0]} rows to {cropped.image_size[0]}"
    if coils is None or coils == cropped.num_coils:
        return cropped, done
    compressed, share = _compressed(cropped, coils)
    words = f", {cropped.num_coils} coils compressed to {coils} ({share:.1%} of the energy)"
    return compressed, done + words


def _kspace_of_images(volume: ImageVolume) -> KspaceVolume:
    def read_slice(index: int) -> NDArray:
        return np.fft.fft2(volume.stored(index), norm="ortho")

    size, grid = volume.image_size, volume.grid
    return KspaceVolume(
        *(volume.path, volume.num_slices, size, grid, read_slice, volume.slice_name),
        centered=False,
    )


def _compressed(volume: KspaceVolume, coils: int) -> tuple[KspaceVolume, float]:
    """Returns a volume of virtual coils and the share of the energy of all slices that is left."""
    centres = [centre_of(volume.kspace(index)) for index in range(volume.num_slices)]
    centre = np.stack(centres)
    mixing = virtual_coils(centre, coils)

    def read_slice(index: int) -> NDArray:
        return mix_coils(volume.kspace(index), mixing)

    before = energy(centre)
    share = energy(mix_coils(centre, mixing)) / before if before else 1.0
    made = dataclasses.replace(volume, read_slice=read_slice, centered=False, num_coils=coils)
    return made, min(share, 1.0)
