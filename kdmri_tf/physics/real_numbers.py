"""Refuses complex numbers where float32 is computed: a cast would drop their imaginary part."""

from typing import Any

from kdmri_tf.errors import InputError


def check_real(values: Any, name: str) -> None:
    """Refuses an array or tensor of a complex dtype.

    Args:
        values: anything; what has no dtype passes.
        name: what it is, for the message, such as "target".

    Raises:
        InputError: a complex dtype.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import InputError
        >>> check_real(np.ones(3), "kspace")
        >>> try:
        ...     check_real(np.ones(3, np.complex64), "kspace")
        ... except InputError as error:
        ...     print(str(error).partition(":")[0])
        kspace must hold real numbers, not complex64
    """
    dtype = getattr(values, "dtype", "")
    dtype = getattr(dtype, "name", str(dtype))  # of NumPy and TensorFlow; that of Keras is a string
    if dtype.startswith("complex"):
        raise InputError(
            f"{name} must hold real numbers, not {dtype}: give its magnitude (abs) or its real "
            "part; or, for k-space and complex images, real and imaginary part stacked as the last "
            "axis, (..., 2)."
        )
