"""The one exception for input that a user can put right."""


class InputError(ValueError):
    """Says what is wrong with an input: a missing file, a bad shape, a NaN, an unknown name.

    The message is a sentence or two that name the offending value and the way out. Commands print
    it without a traceback and exit with status 2; any other exception is a bug.

    Example:
        >>> from kdmri_tf import InputError, gaussian_mask
        >>> try:
        ...     gaussian_mask((64, 64), acceleration=0.5)
        ... except InputError as error:
        ...     print(error)
        The acceleration must be at least 1, not 0.5.
    """
