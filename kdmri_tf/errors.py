"""The one exception for input that a user can put right."""


class InputError(ValueError):
    """Bad input: a missing file, a wrong shape, a NaN, an unknown name.

    The message is one sentence or two that name the offending value and the way out. Scripts print
    it without a traceback and exit with status 2; anything else that is raised is a bug.
    """
