"""What cascades learn about data consistency, by the name that `DCCNN` is given."""

from kdmri_tf.choices import LEARNED_WEIGHTS
from kdmri_tf.errors import InputError
from kdmri_tf.networks.consistency_steps import ConsistencySteps
from kdmri_tf.networks.consistency_weight import ConsistencyWeight


def learned_consistency(
    noise_weight: float | str | None, cascades: int, steps: int, complex_images: bool
) -> list[ConsistencyWeight] | list[ConsistencySteps]:
    """Makes a layer for each cascade, or none where nothing is learned.

    Args:
        noise_weight: "learned", "learned_steps", a number or None.
        cascades: how many layers.
        steps: of data consistency in each.
        complex_images: whether images are.

    Raises:
        InputError: another name, or steps of magnitude images, which take one.
    """
    if not isinstance(noise_weight, str):
        return []
    if noise_weight not in LEARNED_WEIGHTS:
        names = " or ".join(f'"{name}"' for name in LEARNED_WEIGHTS)
        raise InputError(f"noise_weight must be a number, None, {names}; got {noise_weight!r}.")
    numbers = range(1, cascades + 1)
    if noise_weight == "learned":
        return [ConsistencyWeight(name=f"consistency{number}") for number in numbers]
    if not complex_images:
        raise InputError(
            'noise_weight="learned_steps" is for complex images: choose "learned" for magnitudes '
            "(--noise-weight learned)."
        )
    return [ConsistencySteps(steps, name=f"consistency{number}") for number in numbers]
