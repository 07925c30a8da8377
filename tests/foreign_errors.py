"""Errors as other libraries raise them."""


def wrapped(cause):
    """The cause in an error of another library."""
    error = RuntimeError("while writing")
    error.__cause__ = cause
    return error
