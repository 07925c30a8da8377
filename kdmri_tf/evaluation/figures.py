"""The figure of an evaluation, written as a PNG file.

Drawn on `matplotlib.figure.Figure` directly, so that no window opens and the caller's matplotlib
backend stays as it is.
"""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.figure_slices import FigureSlice
from kdmri_tf.evaluation.volume_metrics import psnr, ssim

# Lengths in inches.
PANEL_WIDTH = 1.5
GAP = 0.04
MARGIN = 0.08
TITLE_HEIGHT = 0.62
TITLE_WIDTH = 6.0
COLOUR_BAR_WIDTH = 0.75
DOTS_PER_INCH = 200

FONT_SIZE = 8
LABEL_CHARACTERS = 22
ERROR_PERCENTILE = 99.5
EXPLANATION = "PSNR / SSIM of each slice; error = |target - reconstruction|, one grey scale."


def reconstruction_figure(
    slices: list[FigureSlice], path: str | Path, title: str, flip: bool = False
) -> None:
    """Draws target, reconstructions and errors |target - reconstruction|, slice by slice.

    Images are shown from 0 to the maximum of their target. All errors share one grey scale from
    0 to the 99.5th percentile of the errors of all networks, zero-filled left out where there
    are others; the colour bar states it, and what lies above it is white. Each reconstruction
    bears its PSNR and SSIM of this slice.

    Args:
        slices: what to draw, of one size and with the same networks, as in
            `Evaluation.figure_slices`.
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
    figure, panels = image_panels(2 * len(slices), len(names) + 1, slices[0].target.shape)

    errors_shown = [
        np.abs(shown.target - shown.reconstructions[name])
        for shown in slices
        for name in names[1:] or names
    ]
    brightest_error = error_maximum(errors_shown)
    for shown, images, errors in zip(slices, panels[::2], panels[1::2], strict=True):
        brightest = shown.target.max()
        draw_grey(images[0], shown.target, brightest, flip)
        volume = textwrap.fill(shown.volume, LABEL_CHARACTERS)
        label = f"{shown.label}\nslice {shown.index} of volume\n{volume}\n\nerrors →"
        errors[0].text(
            0.97, 0.5, label, ha="right", va="center", fontsize=FONT_SIZE, parse_math=False
        )
        for column, name in enumerate(names, start=1):
            reconstruction = shown.reconstructions[name]
            draw_grey(images[column], reconstruction, brightest, flip)
            _write_scores(images[column], shown.target, reconstruction)
            error = np.abs(shown.target - reconstruction)
            grey_scale = draw_grey(errors[column], error, brightest_error, flip)
    for axes, heading in zip(panels[0], ["target", *names], strict=True):
        write_heading(axes, heading)
    draw_colour_bar(figure, panels[-1, -1], grey_scale)
    width, height = figure.get_size_inches()
    figure.text(MARGIN / width, 1 - 0.08 / height, title, va="top", fontsize=10, parse_math=False)
    figure.text(MARGIN / width, 1 - 0.27 / height, EXPLANATION, va="top", fontsize=FONT_SIZE)
    figure.savefig(path, dpi=DOTS_PER_INCH, format="png")


def image_panels(
    rows: int,
    columns: int,
    image_size: tuple[int, int],
    *,
    title_height: float = TITLE_HEIGHT,
    title_width: float = TITLE_WIDTH,
    figure_class: type[Figure] = Figure,
) -> tuple[Figure, np.ndarray]:
    """Makes a figure of panels in the shape of the images, without frames.

    Args:
        rows: rows of panels.
        columns: columns of panels.
        image_size: (H, W) of the images.
        title_height: room above the panels, in inches.
        title_width: the least width of the figure, in inches.
        figure_class: kind of figure to make.

    Returns:
        (figure, its axes as an array (rows, columns)).
    """
    height, width = image_size
    panel_height = PANEL_WIDTH * height / width
    panels_width = columns * (PANEL_WIDTH + GAP) - GAP
    panels_height = rows * (panel_height + GAP) - GAP
    figure_width = max(title_width, MARGIN + panels_width + COLOUR_BAR_WIDTH)
    figure_height = title_height + panels_height + MARGIN
    figure = figure_class(figsize=(figure_width, figure_height))
    panels = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": MARGIN / figure_width,
            "right": (MARGIN + panels_width) / figure_width,
            "bottom": MARGIN / figure_height,
            "top": 1 - title_height / figure_height,
            "wspace": GAP / PANEL_WIDTH,
            "hspace": GAP / panel_height,
        },
    )
    for axes in panels.flat:
        axes.set_axis_off()
    return figure, panels


def draw_grey(axes: Axes, image: np.ndarray, maximum: float, flip: bool = False) -> AxesImage:
    """Draws an image in grey, 0 black and `maximum` white; `flip` puts the first row below."""
    return axes.imshow(
        image, cmap="gray", vmin=0, vmax=maximum, origin="lower" if flip else "upper"
    )


def write_heading(axes: Axes, heading: str) -> None:
    """Writes a heading above a panel, as it is: a dollar sign is no formula."""
    axes.set_title(heading, fontsize=FONT_SIZE, pad=3, parse_math=False)


def error_maximum(errors: list[np.ndarray]) -> float:
    """Returns the upper end of the grey scale that shows these errors best."""
    tiny = float(np.finfo(np.float32).tiny)
    return max(float(np.percentile(errors, ERROR_PERCENTILE)), tiny)


def draw_colour_bar(figure: Figure, axes: Axes, grey_scale: AxesImage) -> None:
    """Draws the colour bar of the errors to the right of a panel."""
    bar_axes = axes.inset_axes((1.06, 0, 0.07, 1))
    bar = figure.colorbar(grey_scale, cax=bar_axes, extend="max", ticks=MaxNLocator(4))
    bar.set_label("error, all panels", fontsize=FONT_SIZE)
    bar.ax.tick_params(labelsize=7)


def _write_scores(axes: Axes, target: np.ndarray, reconstruction: np.ndarray) -> None:
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
