"""A picture of a few slices of a reconstructed volume."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdmri_tf.inference.reconstruct_slices import ReconstructedSlice

# Lengths in inches.
PANEL_WIDTH = 2.2
LABEL_HEIGHT = 0.2
TITLE_HEIGHT = 0.5
DOTS_PER_INCH = 150
ERROR_GAIN = 5
PHASE = "its phase"
LEAST_SIGNAL = 0.05  # of the maximum: below, the phase is that of noise
TALLEST = 4  # of a panel, in its widths; taller images are shown smaller


def previewed_slices(num_slices: int) -> list[int]:
    """Returns the indices of the slices at a quarter, half and three quarters, each once."""
    return sorted({num_slices * quarter // 4 for quarter in (1, 2, 3)})


def preview_figure(
    slices: Sequence[ReconstructedSlice],
    path: Path | str,
    title: str,
    degraded_name: str,
    flip: bool = False,
) -> None:
    """Draws input and reconstruction, its phase and, where it is known, target and error.

    Images are shown from 0 to the maximum of the target or, without one, of the reconstruction,
    with their PSNR in dB; the error |target - reconstruction|, five times as bright. The phase, of
    complex images alone, goes from -pi, dark, to pi, and is left dark where there is little signal.

    Args:
        slices: at least one, all with a target or all without.
        path: the PNG file to write.
        title: heading of the figure, and the title within the file.
        degraded_name: what to call the inputs.
        flip: whether the first row is shown at the bottom.

    """
    rows = [_panels(part, degraded_name) for part in slices]
    height, width = slices[0].image.shape
    panel_height = PANEL_WIDTH * min(height / width, TALLEST) + LABEL_HEIGHT
    size = PANEL_WIDTH * max(2.5, len(rows[0])), panel_height * len(rows) + TITLE_HEIGHT
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=8, parse_math=False)  # names of files may have a $
    axes = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for part, row, panels in zip(slices, axes, rows, strict=True):
        target = part.measured.target
        brightest = float(np.max(part.shown if target is None else target))
        for panel, (label, image) in zip(row, panels, strict=True):
            panel.set_axis_off()
            panel.set_title(label, fontsize=7, pad=3)
            limits = {"vmin": 0, "vmax": max(brightest, np.finfo(np.float32).tiny)}
            if label == PHASE:
                limits = {"vmin": -np.pi, "vmax": np.pi}
            panel.imshow(image, cmap="gray", origin="lower" if flip else "upper", **limits)
    figure.savefig(path, dpi=DOTS_PER_INCH, format="png", metadata={"Title": title})


def _panels(
    part: ReconstructedSlice, degraded_name: str
) -> list[tuple[str, NDArray[np.floating[Any]]]]:
    """Returns labels and images of a slice, from left to right."""
    panels: list[tuple[str, NDArray[np.floating[Any]]]] = [
        (
            f"slice {part.index}, {degraded_name}{_decibels(part.degraded_psnr)}",
            part.measured.degraded,
        ),
        (f"reconstruction{_decibels(part.psnr)}", part.shown),
    ]
    if np.iscomplexobj(part.image):
        has_signal = part.shown > LEAST_SIGNAL * part.shown.max()
        panels.append((PHASE, np.where(has_signal, np.angle(part.image), -np.pi)))
    target = part.measured.target
    if target is not None:
        error = ERROR_GAIN * np.abs(target - part.shown)
        panels += [("target", target), (f"{ERROR_GAIN} times the error", error)]
    return panels


def _decibels(psnr: float | None) -> str:
    return "" if psnr is None else f", {psnr:.2f} dB"
