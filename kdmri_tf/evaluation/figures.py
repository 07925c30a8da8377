"""The figure of an evaluation, written as a PNG file.

Drawn on `matplotlib.figure.Figure` directly, so that no window opens and the caller's matplotlib
backend stays as it is.
"""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.report import FigureSlice
from kdmri_tf.evaluation.volume_metrics import psnr, ssim

# Lengths in inches.
PANEL_WIDTH = 1.5
GAP = 0.04
MARGIN = 0.08
TITLE_HEIGHT = 0.62
TITLE_WIDTH = 6.0
COLOUR_BAR_WIDTH = 0.75
DOTS_PER_INCH = 200

FONT = {"fontsize": 8}
LABEL_CHARACTERS = 22
RESIDUE_PERCENTILE = 99.5
EXPLANATION = (
    "PSNR / SSIM of the single slice; residue = |target - reconstruction|, one grey scale."
)


def reconstruction_figure(
    slices: list[FigureSlice], path: str | Path, title: str, flip: bool = False
) -> None:
    """Target, every reconstruction and its residue |target - reconstruction|, slice by slice.

    Images are shown from 0 to the maximum of their target. All residues share one grey scale from
    0 to the 99.5th percentile of the residues of all networks, zero-filled left out where there
    are others; the colour bar states it, and what lies above it is white. Each reconstruction
    bears its PSNR and SSIM of this slice.

    Args:
        slices: of one image size and with the same networks, as in `Evaluation.figure_slices`.
        path: the PNG file to write.
        title: heading of the figure, such as `Evaluation.title`.
        flip: shows the first row at the bottom, for images whose rows run from posterior to
            anterior, as those of NIfTI brains do.

    Raises:
        InputError: there is no slice.
    """
    if not slices:
        raise InputError("There is no slice to draw.")
    names = list(slices[0].reconstructions)
    figure, panels = _panels(slices, columns=len(names) + 1)

    def show(axes, image, maximum):
        origin = "lower" if flip else "upper"
        return axes.imshow(image, cmap="gray", vmin=0, vmax=maximum, origin=origin)

    residue_maximum = _residue_maximum(slices)
    for shown, images, residues in zip(slices, panels[::2], panels[1::2], strict=True):
        brightest = shown.target.max()
        show(images[0], shown.target, brightest)
        volume = textwrap.fill(shown.volume, LABEL_CHARACTERS)
        label = f"{shown.label}\nslice {shown.index} of volume\n{volume}\n\nresidues →"
        residues[0].text(0.97, 0.5, label, ha="right", va="center", **FONT)
        for column, name in enumerate(names, start=1):
            reconstruction = shown.reconstructions[name]
            show(images[column], reconstruction, brightest)
            _write_scores(images[column], shown.target, reconstruction)
            residue = np.abs(shown.target - reconstruction)
            grey_scale = show(residues[column], residue, residue_maximum)
    for axes, heading in zip(panels[0], ["target", *names], strict=True):
        axes.set_title(heading, **FONT, pad=3)

    bar_axes = panels[-1, -1].inset_axes((1.06, 0, 0.07, 1))
    bar = figure.colorbar(grey_scale, cax=bar_axes, extend="max", ticks=MaxNLocator(4))
    bar.set_label("residue, all panels", **FONT)
    bar.ax.tick_params(labelsize=7)
    width, height = figure.get_size_inches()
    figure.text(MARGIN / width, 1 - 0.08 / height, title, va="top", fontsize=10)
    figure.text(MARGIN / width, 1 - 0.27 / height, EXPLANATION, va="top", **FONT)
    figure.savefig(path, dpi=DOTS_PER_INCH, format="png")


def _panels(slices: list[FigureSlice], columns: int) -> tuple[Figure, np.ndarray]:
    """A figure and its axes (two rows a slice, columns), without frames and in image shape."""
    height, width = slices[0].target.shape
    rows, panel_height = 2 * len(slices), PANEL_WIDTH * height / width
    panels_width = columns * (PANEL_WIDTH + GAP) - GAP
    panels_height = rows * (panel_height + GAP) - GAP
    figure_width = max(TITLE_WIDTH, MARGIN + panels_width + COLOUR_BAR_WIDTH)
    figure_height = TITLE_HEIGHT + panels_height + MARGIN
    figure = Figure(figsize=(figure_width, figure_height))
    panels = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": MARGIN / figure_width,
            "right": (MARGIN + panels_width) / figure_width,
            "bottom": MARGIN / figure_height,
            "top": 1 - TITLE_HEIGHT / figure_height,
            "wspace": GAP / PANEL_WIDTH,
            "hspace": GAP / panel_height,
        },
    )
    for axes in panels.flat:
        axes.set_axis_off()
    return figure, panels


def _residue_maximum(slices: list[FigureSlice]) -> float:
    """Upper end of the grey scale that shows the networks' residues best."""
    names = list(slices[0].reconstructions)
    residues = [
        np.abs(shown.target - shown.reconstructions[name])
        for shown in slices
        for name in names[1:] or names
    ]
    return max(float(np.percentile(residues, RESIDUE_PERCENTILE)), np.finfo(np.float32).tiny)


def _write_scores(axes, target: np.ndarray, reconstruction: np.ndarray) -> None:
    volumes = target[np.newaxis], reconstruction[np.newaxis]
    axes.text(
        0.5,
        0.02,
        f"{psnr(*volumes):.2f} dB / {ssim(*volumes):.3f}",
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        color="white",
        fontsize=7,
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1},
    )
