"""CG-SENSE and L1-wavelet compressed sensing as rows of a table, tuned on the training split."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.sense_baselines import Baseline, best_weight, cg_sense, l1_wavelet
from kdmri_tf.physics.degradation import Inputs

TUNING_SLICES = 8


def classical_baselines(
    data: MRIData, num_slices: int = TUNING_SLICES
) -> dict[str, Callable[[Inputs], NDArray[np.float32]]]:
    """Returns what a user would pick instead of a network, for `evaluate(..., baselines=...)`.

    The weight of each penalty is the one with the highest PSNR on slices of the training split, and
    is printed. CG-SENSE of one coil is the zero-filled image, and left out.

    Args:
        data: of complex images.
        num_slices: of the training split, picked at random, the same every time.

    Raises:
        InputError: magnitude images, or sigpy is not installed.
    """
    if data.coils is None:
        raise InputError(
            "Classical baselines reconstruct k-space as scanners have it: add --coils (in code "
            "coils), or leave out --classical-baselines."
        )
    chosen = {"CG-SENSE": cg_sense} if data.coils > 1 else {}
    chosen |= {"L1-wavelet": l1_wavelet}
    num_slices = min(num_slices, data.num_slices["train"])  # the batches begin anew after all
    unvaried = replace(data, variation=None)  # as validation slices are
    batches = unvaried.batches("train", batch_size=1, seed=0, first_epoch=0).take(num_slices)
    slices = [
        ({name: value[0] for name, value in inputs.items()}, target[0])
        for inputs, target in batches.as_numpy_iterator()
    ]
    baselines = {}
    for name, baseline in chosen.items():
        weight = best_weight(baseline, slices)
        split = f"{len(slices)} training slice{'s' * (len(slices) > 1)}"
        print(f"{name}: weight {weight:g}, the best on {split}.", flush=True)
        baselines[name] = _of_batches(baseline, weight)
    return baselines


def _of_batches(baseline: Baseline, weight: float) -> Callable[[Inputs], NDArray[np.float32]]:
    """Returns the function of batches `(batch, ...)` of one of slices."""

    def of_batch(inputs: Inputs) -> NDArray[np.float32]:
        arrays = {name: np.asarray(value) for name, value in inputs.items()}
        count = len(arrays["mask"])
        slices = ({name: value[i] for name, value in arrays.items()} for i in range(count))
        return np.stack([baseline(**one, weight=weight) for one in slices])

    return of_batch
