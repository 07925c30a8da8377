"""How large images, volumes and networks may be: a file of a few bytes can claim any size.

The bounds are far above what scanners make and papers train, and keep a damaged or hostile file, or
a slip of the pen, from filling the memory. They are checked before anything is read or made. The
environment variable KDMRI_SIZE_FACTOR multiplies those of images, volumes, acquisitions, networks
and network files; the largest numbers of coils, steps of data consistency, epochs, slices of a
batch and filters stay as they are.
"""

import math
import operator
import os
from collections.abc import Iterable, Sequence
from typing import SupportsIndex

from kdmri_tf.errors import InputError

LARGEST_IMAGE = 2**24  # pixels of one image or mask, such as 4096 x 4096
LARGEST_VOLUME = 2**30  # samples of all slices and coils: 4 GiB of float32
MOST_COILS = 1024  # of one array
MOST_ACQUISITIONS = 2**20  # lines of raw k-space in one file; a film in real time has 10**5
MOST_CONSISTENCY_STEPS = 100  # of one cascade
MOST_CONVOLUTIONS = 1000  # of one network; D5C5 has 25
MOST_WEIGHTS = 2**26  # of one network; D5C5 has 141,765
LARGEST_NETWORK_FILE = 2**30  # bytes: the weights and what an optimizer keeps about them
# Far above what makes sense: a slip of the pen is answered at once, not after hours.
MOST_EPOCHS = 10**6
MOST_SLICES = 10**4  # of a batch
MOST_FILTERS = 2**12
FACTOR = "KDMRI_SIZE_FACTOR"


def image_size_of(image_size: Iterable[SupportsIndex]) -> tuple[int, int]:
    """Returns a size that a user gives, of whatever integers, as Python's own.

    Raises:
        InputError: it is not two positive integers, or more than an image may have.

    Example:
        >>> import numpy as np
        >>> image_size_of(np.array([64, 48]))
        (64, 48)
        >>> try:
        ...     image_size_of((100000, 100000))
        ... except InputError as error:
        ...     print(str(error)[:68])
        An image of 100000x100000 has 10,000,000,000 pixels, but an image ma
    """
    try:
        size = tuple(map(operator.index, image_size))
    except TypeError:
        size = ()
    if len(size) != 2 or min(size) < 1:
        raise InputError(
            f"The image size {image_size} is not a height and a width: give two positive integers."
        )
    check_image_size(size, f"An image of {size[0]}x{size[1]}")
    return size[0], size[1]


def number_of(what: str, number: SupportsIndex, most: int) -> int:
    """Returns a number from 1 to `most` that a user gives, of whatever integer, as Python's own.

    Args:
        what: is counted, such as "coils".
        number: of them.
        most: there may be.

    Raises:
        InputError: it is no integer, or out of these bounds.
    """
    try:
        index = operator.index(number)
    except TypeError:
        index = 0
    if not 1 <= index <= most:
        raise InputError(f"The number of {what} must be 1 to {most}, not {number!r}.")
    return index


def check_image_size(image_size: Sequence[int], what: str) -> None:
    """Refuses an image that is too large to be one.

    Args:
        image_size: (H, W).
        what: begins the message, such as "The mask a.npy".

    Raises:
        InputError: it has more than `LARGEST_IMAGE` pixels.
    """
    pixels = math.prod(map(int, image_size))
    _check(pixels, LARGEST_IMAGE, f"{what} has {pixels:,} pixels", "an image")


def check_volume_size(shape: Sequence[int], what: str) -> None:
    """Refuses a volume that is too large to be one; `check_image_size` looks at its images.

    Args:
        shape: (slices, H, W) or (slices, coils, H, W).
        what: begins the message.

    Raises:
        InputError: it has more than `LARGEST_VOLUME` samples.
    """
    samples = math.prod(map(int, shape))
    _check(samples, LARGEST_VOLUME, f"{what} has {samples:,} samples", "a volume")


def check_acquisitions(number: int, what: str) -> None:
    """Refuses more lines of raw k-space than a scan of slices has.

    Args:
        number: how many.
        what: begins the message.

    Raises:
        InputError: they are more than `MOST_ACQUISITIONS`.
    """
    _check(number, MOST_ACQUISITIONS, f"{what} has {number:,} acquisitions", "a file")


def check_network_size(
    num_convs: int,
    num_blocks: int,
    filters: int,
    what: str,
    channels: int = 1,
    expansion: int = 1,
) -> None:
    """Refuses a network that is too large to be made.

    Args:
        num_convs: 3x3 convolutions of all blocks together.
        num_blocks: blocks of them.
        filters: channels between them.
        what: begins the message, such as "D5C5".
        channels: with which a block begins and ends.
        expansion: of `ExpandedConvolution`.

    Raises:
        InputError: it has more than `MOST_CONVOLUTIONS` or about `MOST_WEIGHTS`.
    """
    _check(num_convs, MOST_CONVOLUTIONS, f"{what} has {num_convs:,} convolutions", "a network")
    between = max(num_convs - 2 * num_blocks, 0)
    weights = 9 * filters * (filters * between + 2 * channels * num_blocks) * expansion
    claim = f"{what} with {filters:,} filters has {weights:,} weights"
    _check(weights, MOST_WEIGHTS, claim, "a network")


def check_network_file(size: int, what: str) -> None:
    """Refuses a file of a network that is too large to be one.

    Args:
        size: bytes that it unpacks to.
        what: begins the message.

    Raises:
        InputError: it has more than `LARGEST_NETWORK_FILE`.
    """
    _check(size, LARGEST_NETWORK_FILE, f"{what} unpacks to {size:,} bytes", "a network's file")


def _check(number: int, largest: int, claim: str, kind: str) -> None:
    if number > largest * _factor():
        raise InputError(
            f"{claim}, but {kind} may have {largest:,} at most. If that is really its size, set "
            f"the environment variable {FACTOR}={math.ceil(number / largest)}."
        )


def _factor() -> float:
    """Returns by how much the user raises the bounds."""
    text = os.environ.get(FACTOR) or "1"
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not factor > 0:
        raise InputError(
            f"The environment variable {FACTOR} is {text!r}, but must be a positive number: how "
            "many times larger than usual images, volumes and networks may be."
        )
    return factor
