"""Step sizes that solve a linear system in few steps, whatever its eigenvalues in a range."""

import math

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import MOST_CONSISTENCY_STEPS

SMALLEST_EIGENVALUE = 0.1  # of A^H A: what is below is left to the network


def chebyshev_steps(count: int) -> tuple[float, ...]:
    """Returns the step sizes t_k of x <- x + t_k A^H (y - A x), largest first.

    ::

        t_k = 2 / ((1 + a) + (1 - a) cos(pi (2 k - 1) / (2 n))),    k = n .. 1,  a = 0.1

    After n of them the residual is the product of 1 - t_k A^H A, the Chebyshev polynomial that is
    smallest for eigenvalues from a to 1, and at most 1 between 0 and a. One step is 1: the plain
    formula, which puts measured samples back.

    Args:
        count: n, from 1 to 100.

    Raises:
        InputError: another number.

    Example:
        >>> [round(step, 2) for step in chebyshev_steps(2)]
        [4.31, 1.15]

    Source: Saad, Iterative methods for sparse linear systems (2003), section 12.3.
    """
    if not 1 <= count <= MOST_CONSISTENCY_STEPS:
        raise InputError(
            f"consistency steps must lie between 1 and {MOST_CONSISTENCY_STEPS}; got {count}."
        )
    if count == 1:
        return (1.0,)
    low, high = 1 - SMALLEST_EIGENVALUE, 1 + SMALLEST_EIGENVALUE
    angles = (math.pi * (2 * k - 1) / (2 * count) for k in range(count, 0, -1))
    return tuple(2 / (high + low * math.cos(angle)) for angle in angles)
