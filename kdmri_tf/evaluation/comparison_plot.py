"""The plot of a comparison: what quality costs in parameters and in time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter


def plot(
    records: list[dict[str, Any]], counterparts: Mapping[str, str | None], title: str, path: Path
) -> None:
    """Plots PSNR against parameters and against time.

    A method has one colour; with SFT its marker is a square.

    Args:
        records: what `Comparison.records` returns.
        counterparts: name of a network -> that of the same student without SFT, or None.
        title: heading of the figure.
        path: the PNG file to write.
    """
    styles = choose_styles(counterparts)
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    figure.suptitle(title, fontsize=9, parse_math=False)
    panels = figure.subplots(1, 2, sharey=True)
    facts = {"parameters": "parameters", "milliseconds": "milliseconds per slice"}
    for axes, (fact, label) in zip(panels, facts.items(), strict=True):
        for record in records:
            colour, marker = styles[record["network"]]
            axes.plot(record[fact], record["psnr"], marker, color=colour, alpha=0.8)
        axes.set_xlabel(label)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 50k
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("PSNR [dB]")
    lines = panels[0].get_lines()
    names = [record["network"] for record in records]
    legend = figure.legend(lines, names, loc="outside right upper", fontsize=7, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a dollar sign in a name is no formula
    figure.savefig(path, dpi=200)


def choose_styles(counterparts: Mapping[str, str | None]) -> dict[str, tuple[str, str]]:
    """Chooses name of a network -> (colour, marker)."""
    styles: dict[str, tuple[str, str]] = {}
    singles = 0
    for name, counterpart in counterparts.items():
        if counterpart in styles:
            styles[name] = styles[counterpart][0], "s"
        else:
            styles[name] = f"C{singles % 10}", "o^Dv"[singles // 10 % 4]
            singles += 1
    return styles
