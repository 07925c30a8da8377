"""Takes the oversampling of the readout away: what scanners measure beyond the field of view."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.kspace_gaps import LARGEST_GAP_SHARE, gap_share_of_readout
from kdmri_tf.volumes.volume import KspaceVolume


def crop_readout(volume: KspaceVolume, rows: int | None = None) -> KspaceVolume:
    """Returns a volume with only the middle rows of the image, as k-space again.

    The readout runs along H and is measured without gaps, so an FFT along H alone leads to the rows
    of the image and back, `F_H crop F_H^-1`, whatever lines the phase encode along W has measured:
    what is 0 in a line stays 0. Whoever calls this says so to the user.

    Args:
        volume: fully sampled or undersampled.
        rows: how many to keep, in the middle; None for what the header of the file says
            (`readout_rows`). A volume that has no more rows is returned as it is.

    Raises:
        InputError: `rows` is less than 1; or, when a slice is read, there are gaps along H.
    """
    rows = volume.readout_rows if rows is None else rows
    height, width = volume.image_size
    if rows is None or rows >= height:
        return volume
    if rows < 1:
        raise InputError(f"The readout of {volume.path} cannot be cropped to {rows} rows.")
    first = height // 2 - rows // 2

    def read_slice(index: int) -> NDArray:
        kspace = volume.kspace(index)
        _refuse_gaps_of_readout(kspace, volume, index)
        image = np.fft.ifft(kspace, axis=-2, norm="ortho")[:, first : first + rows]
        return np.fft.fft(image, axis=-2, norm="ortho")

    mask = volume.mask
    if mask is not None:
        mask = np.broadcast_to(mask.any(axis=0), (rows, width))
    return dataclasses.replace(
        volume,
        image_size=(rows, width),
        read_slice=read_slice,
        centered=False,
        mask=mask,
        readout_rows=None,
    )


def _refuse_gaps_of_readout(
    kspace: NDArray[np.complexfloating], volume: KspaceVolume, index: int
) -> None:
    """Refuses samples that are missing within a measured line; at its ends they may be."""
    gaps = gap_share_of_readout((kspace != 0).any(axis=0))
    if gaps > LARGEST_GAP_SHARE:
        raise InputError(
            f"{volume.path}: {gaps:.0%} of the samples along the lines of "
            f"{volume.slice_name(index)} are missing, so its readout cannot be cropped; the "
            "readout must run along the last axis but one."
        )
