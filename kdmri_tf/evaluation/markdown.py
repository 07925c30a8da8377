"""Tables in Markdown, for evaluations, comparisons and benchmarks."""

from collections.abc import Iterable, Mapping, Sequence


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Returns a table; names with bars or line breaks stay within their cells.

    Args:
        headings: of the columns.
        rows: the cells of each row, as many as there are headings.

    Example:
        >>> print(markdown_table(["", "PSNR [dB]"], [["a|b", "31.10"]]))
        |  | PSNR [dB] |
        | --- | --- |
        | a\|b | 31.10 |
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def columns_as_table(columns: Mapping[str, Sequence[str]]) -> str:
    """Returns the table of columns, heading -> cells."""
    return markdown_table(list(columns), zip(*columns.values(), strict=True))


def _cell(text: str) -> str:
    """Returns a text, such as a network's name, as it can stand in a table: one line, no bar."""
    return " ".join(text.split()).replace("|", "\\|")
