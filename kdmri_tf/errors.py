"""The one exception for input that a user can put right, and what tells of others."""

from collections.abc import Iterator


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


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, what caused it, what caused that, ...

    Example:
        >>> error = ValueError("while reading")
        >>> error.__cause__ = OSError("no such file")
        >>> [str(cause) for cause in causes(error)]
        ['while reading', 'no such file']
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def in_one_line(error: BaseException | str, longest: int = 400) -> str:
    """Returns what a library says about an error in one line, for a sentence in brackets.

    Args:
        error: whose message it is; it may be empty.
        longest: number of characters that are kept.

    Example:
        >>> in_one_line(RuntimeError("latex was\\n  not found."))
        'latex was not found'
    """
    reason = " ".join(str(error).split()).rstrip(".")
    return reason if len(reason) <= longest else f"{reason[:longest]}..."
