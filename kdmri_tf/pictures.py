"""Pictures beside results, which they must never cost."""

import warnings
from collections.abc import Callable
from os import PathLike
from pathlib import Path

import matplotlib.style

from kdmri_tf.errors import in_one_line
from kdmri_tf.files import replacing


def draw(path: str | PathLike[str], paint: Callable[[Path], None], what: str | None = None) -> bool:
    """Writes a picture; where that fails, warns and goes on.

    The picture looks as matplotlib has it, whatever the user's matplotlibrc or styles say: they may
    ask for a LaTeX or for fonts that are not there. Call it once all other results are written.

    Args:
        path: the file, of which an earlier one is replaced at one stroke, or not at all.
        paint: makes the figure and writes it to the path that it gets.
        what: the picture in the warning, where `path` is a temporary file that nobody knows; None
            for "The picture <path>".

    Returns:
        Whether there is a picture now.

    Example:
        >>> import tempfile
        >>> from matplotlib.figure import Figure
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(Path(folder, "empty.png"), lambda place: Figure().savefig(place))
        True
    """
    try:
        with matplotlib.style.context("default"), replacing(path) as place:
            paint(place)
    except Exception as error:  # of fonts, back ends, full disks, ...
        # The file that the system names is a temporary one.
        words = error.strerror if isinstance(error, OSError) else None
        reason = in_one_line(words or error) or type(error).__name__
        warnings.warn(
            f"{what or f'The picture {path}'} could not be drawn ({reason}). All other results are "
            "there.",
            stacklevel=2,
        )
        return False
    return True
