"""Raw k-space of a volume as it is stored: virtual coils, one size, one scale."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import combined_coils
from kdmri_tf.volumes.coil_compression import centre_of, energy, mix_coils, virtual_coils
from kdmri_tf.volumes.crop_readout import crop_readout
from kdmri_tf.volumes.kspace_gaps import refuse_gaps
from kdmri_tf.volumes.reading import WAY_OUT
from kdmri_tf.volumes.volume import KspaceVolume
from tfds_builders.raw_volume import OpenKspace, RawVolume
from tfds_builders.slices import center_crop_or_pad

MOST_KINDS = 3  # of volumes that a line of the log tells apart

Attempt = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True)
class CoilImages:
    """Holds the slices of a volume in virtual coils.

    Attributes:
        slices: index in the volume -> images, complex64 `(coils, H, W)`.
        facts: for the metadata: how many `coils` the file has, the `size` (H, W) of its k-space,
            the `cropped` size without the oversampling of the readout, and the `energy_share` that
            the virtual coils keep, 0 to 1.
    """

    slices: dict[int, NDArray[np.complex64]]
    facts: dict[str, Any]

    def kspace(self) -> Iterator[tuple[int, NDArray[np.float32] | None]]:
        """Yields (index, k-space), divided by the largest root sum of squares of the volume.

        K-space is float32 `(coils, H, W, 2)`, unshifted and ortho; None for a blank slice.
        """
        scale = max(_brightest(images) for images in self.slices.values())
        for index, images in self.slices.items():
            if not images.any():
                yield index, None
                continue
            kspace = np.fft.fft2(images.astype(np.complex128) / scale, norm="ortho")
            yield index, np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32)


def coil_images(
    volume: RawVolume, coils: int, image_size: tuple[int, int], attempt: Attempt
) -> CoilImages | None:
    """Reads a volume twice: to choose the virtual coils, and to have their images.

    The readout oversampling that a header knows of is cropped, then the images are cropped or
    zero-padded to their size. Where a volume has just as many coils as are asked for, they are left
    as they are.

    Args:
        volume: with `kspace`.
        coils: how many virtual coils.
        image_size: (height, width).
        attempt: calls a function; where it raises an InputError, raises it as well or gives None,
            and the part or the volume is left out.

    Returns:
        The images; None if there are none.
    """
    centres = {
        first: centre
        for first, open_part in volume.kspace.items()
        if (centre := attempt(partial(_centres, open_part))) is not None
    }
    mixing = attempt(partial(_mixing, volume, list(centres.values()), coils)) if centres else None
    if mixing is None:
        return None
    slices, before, after = {}, 0.0, 0.0
    facts: dict[str, Any] = {}
    for first in centres:
        with volume.kspace[first]() as opened:
            part = crop_readout(opened)
            facts |= {"coils": part.num_coils, "size": list(opened.image_size)}
            facts["cropped"] = list(part.image_size)
            for index in range(part.num_slices):
                measured = part.kspace(index)
                mixed = mix_coils(measured, mixing)
                before, after = before + energy(measured), after + energy(mixed)
                images = np.fft.ifft2(mixed, norm="ortho")
                slices[first + index] = center_crop_or_pad(images, image_size)
    facts["energy_share"] = min(after / before, 1.0) if before else 1.0
    return CoilImages(slices, facts)


def in_words(facts: dict[str, dict[str, Any]]) -> str:
    """Says what was read, and what virtual coils keep of it.

    Args:
        facts: name of a volume -> its `CoilImages.facts`.

    Example:
        >>> facts = {"coils": 15, "size": [640, 372], "cropped": [320, 372], "energy_share": 0.9}
        >>> in_words({"file1": facts})
        'read: 15 coils, 640x372 with oversampled readout (320x372 without); kept: 90.0% of energy'
    """
    read = []
    for volume in facts.values():
        size, cropped = ("x".join(map(str, volume[name])) for name in ("size", "cropped"))
        text = f"{_number(volume['coils'])}, {size}"
        if cropped != size:
            text += f" with oversampled readout ({cropped} without)"
        read.append(text)
    kinds = list(dict.fromkeys(read))
    more = f" and {len(kinds) - MOST_KINDS} other kinds" if len(kinds) > MOST_KINDS else ""
    share = min((volume["energy_share"] for volume in facts.values()), default=1.0)
    return f"read: {'; '.join(kinds[:MOST_KINDS])}{more}; kept: {share:.1%} of energy"


def _centres(open_part: OpenKspace) -> NDArray[np.complexfloating]:
    """Returns the centre of k-space of all slices, `(slices, coils, h, w)`, and looks at the rest.

    Raises:
        InputError: the k-space is undersampled, or as `KspaceVolume.kspace`.
    """
    with open_part() as opened:
        part = crop_readout(opened)
        return np.stack([_centre(part, index) for index in range(part.num_slices)])


def _centre(part: KspaceVolume, index: int) -> NDArray[np.complexfloating]:
    kspace = part.kspace(index)
    refuse_gaps((kspace != 0).any(axis=0), part.path, part.slice_name(index))
    return centre_of(kspace)


def _mixing(
    volume: RawVolume, centres: list[NDArray[np.complexfloating]], coils: int
) -> NDArray[np.complexfloating]:
    """Returns how the coils of a volume are mixed, `(virtual coils, coils)`."""
    numbers = sorted({centre.shape[1] for centre in centres})
    path = volume.files[0]
    if len(numbers) > 1:
        raise InputError(
            f"{path}: the files of {volume.name} have different numbers of coils, {numbers[0]} and "
            f"{numbers[-1]}. {WAY_OUT}"
        )
    (number,) = numbers
    if number < coils:
        raise InputError(
            f"{path} has k-space of {_number(number)}, fewer than the {coils} that are asked for: "
            f"ask for {_number(number)} at most. {WAY_OUT}"
        )
    if number == coils:
        return np.eye(coils, dtype=complex)
    rows = min(centre.shape[2] for centre in centres)
    columns = min(centre.shape[3] for centre in centres)
    return virtual_coils(np.concatenate([c[..., :rows, :columns] for c in centres]), coils)


def _number(coils: int) -> str:
    return "1 coil" if coils == 1 else f"{coils} coils"


def _brightest(images: NDArray[np.complexfloating]) -> float:
    return float(combined_coils(images.astype(np.complex128)).max())
