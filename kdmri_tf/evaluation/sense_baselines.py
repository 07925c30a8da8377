"""What one would pick instead of a network: CG-SENSE and L1-wavelet compressed sensing, by sigpy.

Both minimise 1/2 |A x - y|^2 plus a penalty, A = M F S, and get k-space divided by the maximum of
the zero-filled image |A^H y|, so that a weight of the penalty means the same for every scanner.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.volume_metrics import psnr
from kdmri_tf.physics.numpy_fourier import to_channels, to_complex
from kdmri_tf.physics.sensitivities import combined
from kdmri_tf.physics.sigpy_convention import import_sigpy, mask_to_sigpy, to_sigpy

Baseline = Callable[..., NDArray[np.float32]]
Slice = tuple[Mapping[str, NDArray[np.float32]], NDArray[np.float32]]


def cg_sense(
    kspace: NDArray[np.float32],
    mask: NDArray[np.float32],
    sensitivities: NDArray[np.float32] | None = None,
    weight: float = 0.01,
    iterations: int = 30,
) -> NDArray[np.float32]:
    """Reconstructs a slice by conjugate gradients: 1/2 |A x - y|^2 + weight/2 |x|^2.

    With one coil this is the zero-filled image over 1 + weight: only several coils tell what was
    not measured.

    Args:
        kspace: float32 `(coils, H, W, 2)`, unshifted, ortho, 0 where not measured.
        mask: `(H, W)` of 0 and 1, unshifted.
        sensitivities: float32 `(coils, H, W, 2)`, squares summing to at most 1 over coils; None
            for one coil that sees everything alike.
        weight: of the penalty.
        iterations: of conjugate gradients.

    Returns:
        Complex image, float32 `(H, W, 2)`, in the scale of the k-space.

    Raises:
        InputError: sigpy is not installed, or shapes that do not fit.

    Source: Pruessmann et al., Advances in sensitivity encoding (Magn Reson Med 2001).
    """
    sigpy = import_sigpy("CG-SENSE")
    arrays = _Arrays(kspace, mask, sensitivities)
    reconstruction = sigpy.mri.app.SenseRecon(
        *(arrays.kspace, arrays.sensitivities),
        lamda=weight,
        weights=arrays.mask,
        max_iter=iterations,
        show_pbar=False,
    )
    return arrays.image(reconstruction)


def l1_wavelet(
    kspace: NDArray[np.float32],
    mask: NDArray[np.float32],
    sensitivities: NDArray[np.float32] | None = None,
    weight: float = 0.003,
    iterations: int = 100,
) -> NDArray[np.float32]:
    """Reconstructs a slice by compressed sensing: 1/2 |A x - y|^2 + weight |W x|_1.

    W are Daubechies wavelets (db4); the minimum is approached by FISTA with step 1, as the norm of
    A is at most 1.

    Arguments, result and errors are those of `cg_sense`.

    Source: Lustig et al., Sparse MRI (Magn Reson Med 2007).
    """
    sigpy = import_sigpy("L1-wavelet compressed sensing")
    arrays = _Arrays(kspace, mask, sensitivities)
    reconstruction = sigpy.mri.app.L1WaveletRecon(
        *(arrays.kspace, arrays.sensitivities),
        lamda=weight,
        weights=arrays.mask,
        alpha=1,
        max_iter=iterations,
        show_pbar=False,
    )
    return arrays.image(reconstruction)


# The weights that `best_weight` tries, of an image with maximum 1.
WEIGHTS: dict[Baseline, tuple[float, ...]] = {
    cg_sense: (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    l1_wavelet: (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
}


def best_weight(
    baseline: Baseline, slices: Iterable[Slice], weights: Sequence[float] | None = None
) -> float:
    """Chooses the weight with the highest mean PSNR on slices of the training split.

    Args:
        baseline: `cg_sense` or `l1_wavelet`.
        slices: (inputs, target) of each: inputs with `kspace`, `mask` and, for several coils,
            `sensitivities` as `cg_sense` takes them; target `(H, W, 2)` in the scale of the
            k-space. Magnitudes are compared.
        weights: to try; None for those of `WEIGHTS`.

    Raises:
        InputError: there is no slice, or as `cg_sense`.
    """
    weights = WEIGHTS[baseline] if weights is None else weights
    values = [
        [_magnitude_psnr(target, baseline(**inputs, weight=weight)) for weight in weights]
        for inputs, target in slices
    ]
    if not values:
        raise InputError(
            "There is no slice to choose the weight of the penalty by: give some of the training "
            "split."
        )
    return weights[int(np.argmax(np.mean(values, axis=0)))]


class _Arrays:
    """Turns a slice into what sigpy takes, and what sigpy returns into an image."""

    def __init__(
        self,
        kspace: NDArray[np.float32],
        mask: NDArray[np.float32],
        sensitivities: NDArray[np.float32] | None,
    ) -> None:
        _check_shapes(kspace, mask, sensitivities)
        self.mask = mask_to_sigpy(np.asarray(mask, np.float32))
        self.sensitivities = np.ones(kspace.shape[:-1], np.complex64)
        if sensitivities is not None:
            self.sensitivities = to_complex(sensitivities).astype(np.complex64)
        centred = to_sigpy(kspace)
        images = np.fft.ifft2(to_complex(kspace) * mask, norm="ortho")
        zero_filled = np.abs(combined(images, self.sensitivities))
        self._scale = float(zero_filled.max()) or 1.0
        self.kspace = (centred / self._scale).astype(np.complex64)

    def image(self, reconstruction: Any) -> NDArray[np.float32]:
        """Runs an app of sigpy and returns its image, float32 `(H, W, 2)`."""
        return to_channels(reconstruction.run() * self._scale)


def _check_shapes(
    kspace: NDArray[np.float32],
    mask: NDArray[np.float32],
    sensitivities: NDArray[np.float32] | None,
) -> None:
    if kspace.ndim != 4 or kspace.shape[-1] != 2:
        raise InputError(
            f"The k-space of a slice must have the shape (coils, H, W, 2), not {kspace.shape}."
        )
    if mask.shape != kspace.shape[1:3]:
        raise InputError(
            f"The mask has the shape {mask.shape}, but the k-space has {kspace.shape}: give a mask "
            "(H, W) of the same size."
        )
    if sensitivities is None and len(kspace) > 1:
        raise InputError(f"k-space of {len(kspace)} coils needs the sensitivities of its coils.")
    if sensitivities is not None and sensitivities.shape != kspace.shape:
        raise InputError(
            f"The sensitivities have the shape {sensitivities.shape}, but the k-space has "
            f"{kspace.shape}: both need the same coils and size."
        )


def _magnitude_psnr(target: NDArray[np.float32], image: NDArray[np.float32]) -> float:
    return psnr(*(np.linalg.norm(values, axis=-1)[np.newaxis] for values in (target, image)))
