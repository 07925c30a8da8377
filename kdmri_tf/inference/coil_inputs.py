"""The coils of a network's inputs, which may be left out where there is one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError


def complete_coils(
    arrays: dict[str, NDArray[np.float32]],
    input_names: Sequence[str],
    coils: int | None,
    path: Path | str,
) -> None:
    """Gives k-space of one coil its axis, and sensitivities 1 to a network that asks for them.

    Args:
        arrays: name -> input; "kspace" and "sensitivities" may be changed.
        input_names: of the network.
        coils: the only number that the network takes, or None.
        path: of the network, for messages.

    Raises:
        InputError: another number of coils than the network takes, several coils without
            sensitivities, or sensitivities of another shape than the k-space.
    """
    kspace = arrays["kspace"]
    if kspace.ndim == 4 and "sensitivities" not in arrays:
        kspace = arrays["kspace"] = kspace[:, np.newaxis]
    if kspace.ndim != 5:
        return  # refused later, as all wrong shapes are
    if coils is not None and kspace.shape[1] != coils:
        raise InputError(
            f"{path} was exported for {coils} coil{'s' * (coils > 1)}, but the k-space has "
            f"{kspace.shape[1]}: export it again (--coils {kspace.shape[1]}), or compress the "
            "coils."
        )
    if "sensitivities" in arrays:
        if arrays["sensitivities"].shape != kspace.shape:
            raise InputError(
                f"sensitivities must have the shape of kspace, {kspace.shape}; got "
                f"{arrays['sensitivities'].shape}."
            )
    elif "sensitivities" in input_names:
        if kspace.shape[1] != 1:
            raise InputError(
                f"kspace has {kspace.shape[1]} coils: give their sensitivities as well, in the "
                "same shape; low_resolution_sensitivities(kspace, mask) estimates them."
            )
        arrays["sensitivities"] = np.zeros_like(kspace)
        arrays["sensitivities"][..., 0] = 1
