"""Where the sensitivities of coils come from: their own centre lines, ESPIRiT or a file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.choices import SENSITIVITIES
from kdmri_tf.errors import InputError
from kdmri_tf.physics.calibration import describe
from kdmri_tf.physics.espirit import espirit_sensitivities
from kdmri_tf.physics.sensitivities import low_resolution_sensitivities, with_image_phase
from kdmri_tf.volumes.sensitivities_file import load_sensitivities
from kdmri_tf.volumes.volume import KspaceVolume

# (index of a slice, its measured k-space `(coils, H, W, 2)`) -> maps of the same shape
Maps = Callable[[int, NDArray[np.float32]], NDArray[np.float32]]


def sensitivities_of(
    volume: KspaceVolume, mask: NDArray[np.float32], choice: Path | str | None
) -> tuple[Maps, str]:
    """Returns what gives the sensitivities of each slice, and where they come from, in words.

    Args:
        volume: whose coils they are.
        mask: float32 `(H, W)`, unshifted.
        choice: "low-resolution" (as None), "espirit", or a file, see `load_sensitivities`.

    Returns:
        The function, and the words.

    Raises:
        InputError: ESPIRiT or a file for one coil, maps in a file that do not fit, a mask with too
            small a centre, or sigpy is not installed.
    """
    if volume.num_coils == 1 and str(choice or SENSITIVITIES[0]) != SENSITIVITIES[0]:
        raise InputError(
            f"{volume.path} has one coil, whose sensitivity is the smooth phase of its image: "
            "leave --sensitivities out (in code sensitivities)."
        )
    count = "one coil" if volume.num_coils == 1 else f"{volume.num_coils} coils"
    if choice is not None and str(choice) not in SENSITIVITIES:
        size = volume.image_size
        maps = load_sensitivities(choice, size, volume.num_coils, volume.num_slices)
        return lambda index, kspace: with_image_phase(maps[index], kspace, mask), (
            f"{count}, sensitivities from {choice}"
        )
    words = f"{count}, {describe(mask)}"  # refuses a mask with too small a centre
    if choice == "espirit":
        return lambda index, kspace: espirit_sensitivities(kspace, mask), f"{words} by ESPIRiT"
    return lambda index, kspace: low_resolution_sensitivities(kspace, mask), words
