"""How raw k-space becomes inputs of a network of complex images: one coil or several."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.inference.acquisition import MeasuredSlice
from kdmri_tf.inference.coil_sensitivities import Maps
from kdmri_tf.physics.masks import true_acceleration
from kdmri_tf.physics.numpy_fourier import to_channels, to_complex
from kdmri_tf.physics.sensitivities import combined, low_resolution_images
from kdmri_tf.volumes.coil_compression import centre_of, virtual_coils
from kdmri_tf.volumes.volume import KspaceVolume


class RawAcquisition:
    """Takes k-space of coils as it is, or undersamples it: what `ComplexUndersampling` does.

    ::

        y = M Y,   s = 1 / max |A^H y|;   measured: s y, M, S;   target: sum_c conj(S_c) F^-1 Y_c

    Args:
        volume: k-space, fully sampled or undersampled by this very mask.
        mask: float32 `(H, W)`, unshifted.
        origin: where the mask comes from, in words.
        sensitivities: gives S of each slice.
        is_complete: whether the volume is fully sampled, so that it is the target.
        may_have_gaps: whether that is checked, which samples that are 0 of an image would fail.

    Attributes:
        image_size: (H, W).
        coils: how many.
        mask: as given.
        more_inputs: what the network takes besides the k-space, the same for all slices.
        degraded_name: what to call an image without a network.
        origin: where the mask comes from, and its acceleration.
    """

    degraded_name = "zero-filled"

    def __init__(
        self,
        volume: KspaceVolume,
        mask: NDArray[np.float32],
        origin: str,
        sensitivities: Maps,
        is_complete: bool,
        may_have_gaps: bool = True,
    ) -> None:
        self._volume = volume
        self._sensitivities = sensitivities
        self._is_complete = is_complete
        self._may_have_gaps = may_have_gaps
        self.image_size = volume.image_size
        self.coils: int | None = volume.num_coils
        self.mask = mask
        self.more_inputs = (mask,)
        self.origin = f"{origin}, true acceleration {true_acceleration(mask):.2f}"

    def measure(self, index: int) -> MeasuredSlice:
        """Returns the slice at an index.

        Raises:
            InputError: the file is damaged there, or the slice of a volume that should be fully
                sampled is not.
        """
        kspace = self._volume.kspace(index)
        if self._is_complete and self._may_have_gaps:
            self._volume.magnitude(index)  # refuses what is undersampled already
        measured = kspace * self.mask
        channels = to_channels(measured)
        maps = self._sensitivities(index, channels)
        degraded = _combined(measured, maps)
        scale = float(np.abs(degraded).max())
        target = np.abs(_combined(kspace, maps)).astype(np.float32) if self._is_complete else None
        return MeasuredSlice(
            channels / np.float32(scale or 1),
            np.abs(degraded).astype(np.float32),
            scale,
            target,
            maps,
            self._phase(channels),
        )

    def _phase(self, kspace: NDArray[np.float32]) -> NDArray[np.complexfloating]:
        """Returns what the maps took from the phase of the image, of modulus 1.

        Maps take the phase of the image at low resolution, so that networks get almost real images.
        """
        low = to_complex(low_resolution_images(kspace, self.mask))
        seen = np.einsum("c,chw->hw", self._strongest_coil, low)
        return np.exp(1j * np.angle(seen))

    @cached_property
    def _strongest_coil(self) -> NDArray[np.complexfloating]:
        """The weights `(coils,)` of the virtual coil with the most signal in the middle slice."""
        middle = self._volume.kspace(self._volume.num_slices // 2) * self.mask
        return virtual_coils(centre_of(middle)[np.newaxis], 1)[0]


def _combined(
    kspace: NDArray[np.complex64], maps: NDArray[np.float32]
) -> NDArray[np.complexfloating]:
    """Returns sum over coils of conj(S_c) F^-1 y_c, `(H, W)`."""
    return combined(np.fft.ifft2(kspace, norm="ortho"), to_complex(maps))
