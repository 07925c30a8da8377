"""Images side by side, with error maps and PSNR: the picture for a notebook."""

import io
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.figures import (
    draw_colour_bar,
    draw_grey,
    error_maximum,
    image_panels,
    write_heading,
)
from kdmri_tf.evaluation.volume_metrics import psnr

HEADING_HEIGHT = 0.42  # inches: a name and its PSNR
DOTS_PER_INCH = 110


class NotebookFigure(Figure):
    """A figure that notebooks display by themselves, whether or not pyplot is in use."""

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=DOTS_PER_INCH)
        return png.getvalue()


def show(
    images: Mapping[str, ArrayLike], target: ArrayLike | None = None, *, flip: bool = False
) -> Figure:
    """Shows images side by side; with a target, also their PSNR and their error maps.

    With a target, every image is drawn from 0 to the target's maximum. Its title ends with its PSNR
    (`kdmri_tf.evaluation.volume_metrics.psnr`, the target's maximum as peak), and below it stands
    its error |target - image|; all errors share one grey scale, which the colour bar states.
    Without a target, every image is drawn from 0 to its own maximum.

    Args:
        images (Mapping[str, ArrayLike]): name -> image, such as `{"student": image}`; NumPy arrays
            or tensors of real numbers, each `(H, W)`, `(H, W, 1)` or `(1, H, W, 1)`, all of one
            size.
        target (ArrayLike | None): the fully sampled image, of the same size.
        flip: draws the first row at the bottom, for images whose rows run from posterior to
            anterior, as those of NIfTI brains do.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook displays when it is the last value of a cell;
        `figure.savefig("picture.png")` writes it.

    Raises:
        InputError: there is no image; one has another shape or size, complex values, NaN or
            infinity; or the target is blank.

    Example:
        >>> import kdmri_tf
        >>> target = kdmri_tf.phantom_volume("cardiac", (64, 64), 1, seed=0)[0]
        >>> figure = kdmri_tf.show({"half as bright": target / 2}, target)
        >>> [axes.get_title().split()[0] for axes in figure.axes[:2]]
        ['target', 'half']
    """
    pictures = {str(name): _picture(str(name), image) for name, image in images.items()}
    if not pictures:
        raise InputError(
            'There is no image to show; give at least one, such as {"student": image}.'
        )
    if target is None:
        return _without_target(pictures, flip)
    return _with_target(pictures, _picture("target", target), flip)


def _without_target(pictures: dict[str, NDArray], flip: bool) -> Figure:
    _check_sizes(pictures)
    figure, panels = _panels(1, pictures)
    for axes, (name, picture) in zip(panels[0], pictures.items(), strict=True):
        draw_grey(axes, picture, _brightest(picture), flip)
        write_heading(axes, name)
    return figure


def _with_target(pictures: dict[str, NDArray], target: NDArray, flip: bool) -> Figure:
    if "target" in pictures:
        raise InputError('"target" is the name of the target; give that image another name.')
    all_pictures = {"target": target, **pictures}
    _check_sizes(all_pictures)
    scores = {name: psnr(target[np.newaxis], pictures[name][np.newaxis]) for name in pictures}
    errors = {name: np.abs(target - picture) for name, picture in pictures.items()}
    figure, panels = _panels(2, all_pictures)
    draw_grey(panels[0, 0], target, _brightest(target), flip)
    write_heading(panels[0, 0], "target")
    largest = error_maximum(list(errors.values()))
    for column, (name, picture) in enumerate(pictures.items(), start=1):
        draw_grey(panels[0, column], picture, _brightest(target), flip)
        write_heading(panels[0, column], f"{name}\n{scores[name]:.2f} dB")
        grey_scale = draw_grey(panels[1, column], errors[name], largest, flip)
    panels[1, 0].text(0.97, 0.5, "|target - image|", ha="right", va="center", fontsize=8)
    draw_colour_bar(figure, panels[-1, -1], grey_scale)
    return figure


def _panels(rows: int, pictures: dict[str, NDArray]) -> tuple[Figure, NDArray]:
    size = next(iter(pictures.values())).shape
    return image_panels(
        rows,
        len(pictures),
        (size[0], size[1]),
        title_height=HEADING_HEIGHT,
        title_width=0,
        figure_class=NotebookFigure,
    )


def _picture(name: str, image: ArrayLike) -> NDArray:
    """Returns the image as an array (H, W)."""
    picture = np.asarray(image)
    if picture.dtype.kind == "c":
        raise InputError(
            f'The image "{name}" is complex; show its magnitude, numpy.abs(image), or a part of it.'
        )
    if picture.dtype.kind not in "biuf":
        raise InputError(f'The image "{name}" holds {picture.dtype} values instead of numbers.')
    shape = picture.shape
    if picture.ndim == 4 and shape[0] == 1:
        picture = picture[0]
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    if picture.ndim != 2 or picture.size == 0:
        raise InputError(
            f'The image "{name}" has the shape {shape}; show takes one slice at a time: (H, W), '
            "(H, W, 1) or (1, H, W, 1)."
        )
    if not np.isfinite(picture).all():
        raise InputError(f'The image "{name}" holds NaN or infinity, which cannot be drawn.')
    return picture.astype(np.float64)


def _check_sizes(pictures: dict[str, NDArray]) -> None:
    sizes = {name: picture.shape for name, picture in pictures.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f'"{name}" {height}x{width}' for name, (height, width) in sizes.items())
        raise InputError(f"The images have different sizes: {listed}; crop them to one size.")


def _brightest(picture: NDArray) -> float:
    """Returns the value that is drawn white; above 0, so that a blank image is black."""
    return max(float(picture.max()), float(np.finfo(np.float32).tiny))
