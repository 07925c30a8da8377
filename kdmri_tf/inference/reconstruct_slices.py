"""Sends a volume through a network, in batches of slices, in little memory."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.volume_metrics import psnr
from kdmri_tf.inference.acquisition import Acquisition, MeasuredSlice
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.physics.numpy_fourier import to_complex


@dataclass(frozen=True)
class ReconstructedSlice:
    """Holds one reconstructed slice of a volume.

    Attributes:
        index: in the volume.
        measured: what the network was given.
        image: what the network returned, `(H, W)`, in the units of the file: float32, or complex64
            of a network of complex images.
        seconds: time that its batch took in the network, divided by the number of slices in it;
            None for a blank slice.
    """

    index: int
    measured: MeasuredSlice
    image: NDArray[np.float32] | NDArray[np.complex64]
    seconds: float | None

    @property
    def shown(self) -> NDArray[np.float32]:
        """Returns the image without its phase, float32 `(H, W)`."""
        image: NDArray[Any] = self.image
        return np.abs(image) if np.iscomplexobj(image) else image

    @property
    def psnr(self) -> float | None:
        """Returns the PSNR [dB] of this slice alone; None if it is blank or has no target."""
        return self._psnr(self.shown)

    @property
    def degraded_psnr(self) -> float | None:
        """Returns the PSNR [dB] of what can be seen without a network."""
        return self._psnr(self.measured.degraded)

    def _psnr(self, image: NDArray[np.floating[Any]]) -> float | None:
        target = self.measured.target
        if target is None or self.measured.scale == 0:
            return None
        return psnr(target[np.newaxis], image[np.newaxis])


def reconstruct_slices(
    network: Reconstructor, acquisition: Acquisition, num_slices: int, batch_size: int = 8
) -> Iterator[ReconstructedSlice]:
    """Reconstructs slice by slice; a blank slice stays blank, without the network.

    Args:
        network: runs the reconstruction.
        acquisition: from `acquisition_of`.
        num_slices: of the volume.
        batch_size: slices that are read and reconstructed at a time.

    Yields:
        The slices in order.

    Raises:
        InputError: the file is damaged, or the network returns NaN or infinity.
    """
    # TensorFlow makes its graph in the first call, which is no part of a slice's time.
    is_cold = network.format in ("keras", "saved_model")
    for start in range(0, num_slices, batch_size):
        indices = range(start, min(start + batch_size, num_slices))
        measured = {index: acquisition.measure(index) for index in indices}
        seen = [index for index in indices if measured[index].scale > 0]
        images: dict[int, NDArray[Any]] = {}
        seconds = None
        if seen:
            parts = [measured[index] for index in seen]
            inputs = [np.stack([p.measurement for p in parts]), *acquisition.more_inputs]
            maps = [p.sensitivities for p in parts if p.sensitivities is not None]
            if maps and "sensitivities" in network.input_names:
                inputs.append(np.stack(maps))
            if is_cold:
                network(*(value if value.ndim == 2 else value[:1] for value in inputs))
                is_cold = False
            begin = time.perf_counter()
            output = _images(network(*inputs))
            seconds = (time.perf_counter() - begin) / len(seen)
            images = dict(zip(seen, output, strict=True))
        for index in indices:
            part = measured[index]
            image = images.get(index, np.zeros_like(part.degraded)) * np.float32(part.scale)
            if part.phase is not None:
                image = (image * part.phase).astype(np.complex64)
            if not np.isfinite(image).all():
                raise InputError(
                    f"{network.path} returns NaN or infinity for slice {index} (the first is 0); "
                    "use another network."
                )
            yield ReconstructedSlice(index, part, image, seconds if part.scale > 0 else None)


def _images(output: NDArray[np.float32]) -> NDArray[Any]:
    """Returns `(batch, H, W)` of what a network returned: real, or complex of two channels."""
    if output.shape[-1] == 1:
        return output[..., 0]
    return to_complex(output)
