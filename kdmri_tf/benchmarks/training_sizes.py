"""How small the images of the training benchmark may be: its contenders would fail one by one."""

import itertools
from collections.abc import Callable, Sequence

from kdmri_tf.errors import InputError
from kdmri_tf.phantoms.phantom_volume import SMALLEST_SIDE
from kdmri_tf.physics.calibration import FEWEST_LINES, usual_center_lines
from kdmri_tf.physics.papers_sampling import PAPERS_SAMPLING, RAW_PHASE_ENCODE_AXIS

# Anatomies by the image sizes of the papers; other sizes are measured on cardiac images.
DATASETS: dict[tuple[int, ...], str] = {
    **{(150, 150): "cardiac", (240, 240): "brain", (640, 368): "knee"},
}
ACCELERATION = 4  # what `load_data` undersamples by


def dataset_of(image_size: Sequence[int]) -> str:
    """Returns the anatomy of images of this size."""
    return DATASETS.get(tuple(image_size), "cardiac")


def check_trainable(image_size: Sequence[int], coils: bool = False) -> None:
    """Refuses images that are too small for a phantom, or for the centre lines of a mask.

    Args:
        image_size: (H, W).
        coils: whether networks of complex images are trained on them, too.

    Raises:
        InputError: they are.
    """
    if min(image_size) < SMALLEST_SIDE:
        raise InputError(
            f"{_named(image_size)}: synthetic images have at least {SMALLEST_SIDE} pixels along "
            "each side; choose larger ones."
        )
    usual = PAPERS_SAMPLING[dataset_of(image_size)]
    needed = f"the {usual.center_lines} centre lines of its mask"
    _check_lines(
        *(image_size, usual.phase_encode_axis, needed),
        lambda lines: lines // ACCELERATION >= usual.center_lines,
    )
    if coils:
        _check_lines(
            *(image_size, RAW_PHASE_ENCODE_AXIS),
            f"the {FEWEST_LINES} centre lines that tell --coils apart",
            lambda lines: usual_center_lines(lines, ACCELERATION) >= FEWEST_LINES,
        )


def _check_lines(
    image_size: Sequence[int], axis: int, needed: str, suffices: Callable[[int], bool]
) -> None:
    lines = image_size[axis]
    if not suffices(lines):
        least = next(more for more in itertools.count(lines) if suffices(more))
        raise InputError(
            f"{_named(image_size)}: {ACCELERATION} times fewer than {lines} lines are too few for "
            f"{needed}; choose a {('height', 'width')[axis]} of at least {least}."
        )


def _named(image_size: Sequence[int]) -> str:
    height, width = image_size
    return f"--sizes {height}x{width}"
