"""The slices of a volume, as a degradation takes them and as metrics and pictures see them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics.degradation import Degradation
from kdmri_tf.physics.real_numbers import check_real

Volume = NDArray[np.float32] | Mapping[str, NDArray[Any]]
Slices = dict[str, NDArray[Any]]


def volume_slices(name: str, volume: Volume, degradation: Degradation) -> Slices:
    """Returns the slices of a volume as `degradation.pair` takes them.

    Args:
        name: of the volume, for messages.
        volume: images `(slices, H, W)` in [0, 1]; or, where images are complex, fully sampled
            k-space `(slices, coils, H, W, 2)`; or such slices already, as `MRIData.volumes` gives
            them.
        degradation: what the volume is for.

    Raises:
        InputError: a volume of another shape, or of values that are complex, not finite or out of
            range.
    """
    if isinstance(volume, Mapping):
        slices = dict(volume)
    elif degradation.complex_images and volume.ndim == 5:
        slices = {"kspace": volume}
    else:
        slices = {"image": volume[..., np.newaxis]}
        if degradation.complex_images:  # each slice is scanned the same way in every evaluation
            index = np.arange(len(volume), dtype=np.int32)
            slices["seed"] = np.stack([index, np.zeros_like(index)], axis=1)
    for kind, values in slices.items():
        check_real(values, f"The {kind} of volume {name}")
    if "kspace" in slices:
        _check_kspace(name, slices["kspace"])
    else:
        _check_images(name, slices["image"][..., 0])
    return slices


def magnitudes(images: ArrayLike) -> NDArray[np.float32]:
    """Returns the magnitudes, `(...)`, of complex images `(..., 2)`; of `(..., 1)` what they are.

    Example:
        >>> magnitudes(np.array([[3.0, 4.0], [0.0, -1.0]])).tolist()
        [5.0, 1.0]
    """
    images = np.asarray(images)
    check_real(images, "A reconstruction")
    return images[..., 0] if images.shape[-1] == 1 else np.hypot(images[..., 0], images[..., 1])


def _check_images(name: str, images: NDArray[np.float32]) -> None:
    if images.ndim != 3 or images.size == 0:
        raise InputError(f"Volume {name} must have the shape (slices, H, W), not {images.shape}.")
    if not (images.min() >= 0 and images.max() <= 1):
        raise InputError(
            f"Volume {name} must hold finite values in [0, 1]: divide each slice by its maximum."
        )


def _check_kspace(name: str, kspace: NDArray[np.float32]) -> None:
    if kspace.ndim != 5 or kspace.shape[-1] != 2 or kspace.size == 0:
        raise InputError(
            f"Volume {name} must have k-space of the shape (slices, coils, H, W, 2), not "
            f"{kspace.shape}."
        )
    if not np.isfinite(kspace).all():
        raise InputError(f"The k-space of volume {name} holds NaN or infinity.")
