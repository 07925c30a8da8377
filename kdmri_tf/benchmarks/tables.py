"""Numbers and tables as benchmarks print them."""

import statistics
from collections.abc import Mapping, Sequence


def paired_ratio(speeds: Mapping[int, float], others: Mapping[int, float]) -> float | None:
    """Returns the median over rounds of the ratio of two speeds; None without a common round."""
    ratios = [speeds[number] / others[number] for number in speeds if number in others]
    return statistics.median(ratios) if ratios else None


def in_times(ratio: float | None) -> str:
    """Returns such as "2.00x"."""
    return "-" if ratio is None else f"{ratio:.2f}x"


def markdown_table(columns: Mapping[str, Sequence[str]]) -> str:
    """Returns a Markdown table of columns, heading -> cells."""
    rows = [columns, ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(text: str) -> str:
    """Returns a text, such as a file's name, as it can stand in a table: one line, no bar."""
    return " ".join(text.split()).replace("|", "\\|")
