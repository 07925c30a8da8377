"""Progress of long work: a bar in a terminal, in a log a line now and then."""

import sys
from collections.abc import Iterable
from typing import IO, Any

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 30.0


def follow(
    items: Iterable[Any] | None = None,
    *,
    what: str,
    unit: str,
    total: int | None = None,
    is_shown: bool = True,
) -> tqdm:
    """Returns a tqdm over the items, which shows on standard error how far they are.

    In a terminal that is a bar. In a file or a pipe it is a line of its own every half minute,
    without carriage returns, and none for what is done sooner.

    Args:
        items: to iterate over; None for work that calls `update`.
        what: begins the bar or the line, such as "evaluating".
        unit: of one item, such as "volume".
        total: number of items, where they cannot tell.
        is_shown: whether anything is shown.

    Example:
        >>> list(follow("ab", what="reading", unit="letter"))
        ['a', 'b']
    """
    options: dict[str, Any] = {
        "desc": f"{what}: ",
        "unit": unit,
        "total": total,
        "disable": not is_shown or sys.stderr is None,  # as under pythonw
    }
    if not is_terminal():
        options |= {
            "file": _Lines(sys.stderr),
            "mininterval": SECONDS_BETWEEN_LINES,
            "delay": SECONDS_BETWEEN_LINES,
            "miniters": 1,  # or tqdm's own thread shows more of them
            "bar_format": "{desc}{n_fmt} of {total_fmt} {unit}s, {elapsed} so far",
        }
    return tqdm(items, **options)


def is_terminal() -> bool:
    """Returns whether standard error is one."""
    return sys.stderr is not None and sys.stderr.isatty()


class _Lines:
    """Takes what tqdm draws over itself and writes it below each other."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        line = text.strip("\r\n ")
        if line:
            self._stream.write(f"{line}\n")

    def flush(self) -> None:
        self._stream.flush()
