"""The figure of a benchmark: speeds as bars, one panel per group."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdmri_tf.benchmarks.digits import one_decimal
from kdmri_tf.benchmarks.groups import Group
from kdmri_tf.benchmarks.ratios import in_times

COLOURS = {
    "TensorFlow": "C0",
    "PyTorch": "C1",
    "LiteRT": "C2",
    "ONNX Runtime": "C3",
    "OpenVINO": "C4",
}

# Lengths in inches.
WIDTH = 7.5
BAR_HEIGHT = 0.24
TITLE_HEIGHT = 0.45
DOTS_PER_INCH = 150

Bar = tuple[float | None, float | None]  # slices a second, times the reference


def speed_figure(title: str, panels: Sequence[tuple[Group, Sequence[Bar]]], path: Path) -> None:
    """Draws speeds as bars, each with its ratio to the reference.

    Args:
        title: of the figure.
        panels: each group with the bars of its contenders; None where one failed.
        path: the PNG file to write.
    """
    heights = [BAR_HEIGHT * len(group.contenders) + TITLE_HEIGHT for group, _ in panels]
    figure = Figure(figsize=(WIDTH, TITLE_HEIGHT + sum(heights)), layout="constrained")
    figure.suptitle(title, fontsize=10)
    places = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})
    for (group, bars), axes in zip(panels, places[:, 0], strict=True):
        _draw(group, bars, axes)
    figure.savefig(path, dpi=DOTS_PER_INCH, format="png")


def _draw(group: Group, bars: Sequence[Bar], axes: Axes) -> None:
    names = [contender.name for contender in group.contenders]
    colours = [COLOURS[contender.framework] for contender in group.contenders]
    drawn = axes.barh(names, [speed or 0 for speed, _ in bars], color=colours)
    labels = [
        "failed" if speed is None else f"{one_decimal(speed)} ({in_times(ratio)})"
        for speed, ratio in bars
    ]
    axes.bar_label(drawn, labels, padding=3, fontsize=7)
    axes.set_title(group.title, fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
