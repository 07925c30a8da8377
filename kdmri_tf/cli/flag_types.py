"""What the values of command-line flags may be: each function takes the text and gives the value.

argparse shows the message of an ArgumentTypeError as it is.
"""

import argparse
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from kdmri_tf.architecture_names import arguments_of, check_architecture
from kdmri_tf.choices import LEARNED_WEIGHTS
from kdmri_tf.errors import InputError
from kdmri_tf.sizes import check_network_size, image_size_of
from kdmri_tf.zoo.listing import check_shipped, looks_like_name

# Bounds far above what makes sense: a slip of the pen is answered at once, not after hours.
MOST_LINES = 10**5
MOST_ROUNDS = 10**4
MOST_CORES = 2**12
LONGEST_TURN = 3600.0  # seconds
# Positive numbers that float32 still tells from 0 and infinity, whatever is made of them.
SMALLEST, LARGEST = 1e-12, 1e12


def named_model(text: str, usage: str = "NAME=MODEL.keras") -> tuple[str, str]:
    """Splits such as "student=model.keras"; `usage` says what would be accepted."""
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not {usage}")
    if "/" in name:
        raise argparse.ArgumentTypeError(f"{name!r} names a folder: give a name without /")
    if name in (".", ".."):
        raise argparse.ArgumentTypeError(f"{name!r} names a folder: give a name of letters")
    if not name.isprintable():  # it becomes a row of tables in UTF-8, and a folder
        raise argparse.ArgumentTypeError(
            f"{name!r} has characters that cannot be printed: give a name without them"
        )
    return name, path


def network(text: str) -> str:
    """Accepts a name such as "D5C5" or "VDSR11", a `.keras` file that is there, or a zoo's name."""
    if looks_like_name(text):
        try:
            check_shipped(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text
    if text.endswith(".keras"):
        if not os.path.isfile(text):
            raise argparse.ArgumentTypeError(f"there is no model {text}")
        return text
    if arguments_of(text) is None and not re.fullmatch(r"VDSR\d+", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is neither a name DdCc, such as D5C5 or D5C8-unshuffle2, nor one such "
            "as VDSR11, nor a .keras file"
        )
    try:
        check_name(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def check_name(name: str, filters: int = 1) -> None:
    """Refuses the name of a network that cannot be made, or is too large for it.

    Args:
        name: such as "D5C5" or "VDSR11".
        filters: channels between its convolutions.

    Raises:
        InputError: it has too few or too many convolutions, or too many weights.
    """
    arguments = arguments_of(name)
    if arguments is not None:
        check_architecture(filters=filters, **arguments)
        return
    num_convs = int(name[len("VDSR") :][:9])  # nine digits are too many already
    if num_convs < 2:
        raise InputError(f"{name} is no network: there must be at least 2 convolutions.")
    check_network_size(num_convs, 1, filters, name[:40])


def is_trained(text: str) -> bool:
    """Tells whether this is a `.keras` file or a name of the zoo, and not an architecture."""
    return text.endswith(".keras") or looks_like_name(text)


def network_name(text: str) -> str:
    """Accepts a name such as "D5C5" or "VDSR11" alone."""
    if is_trained(text):
        raise argparse.ArgumentTypeError(
            f"{text} is a trained network; give the name of one to train, such as D5C5"
        )
    return network(text)


def trained_network(text: str) -> str:
    """Accepts a `.keras` file that is there, or a name of the zoo."""
    if not is_trained(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a .keras file, and no name that kdmri zoo lists"
        )
    return network(text)


class ImageSize(argparse.Action):
    """Accepts two positive integers, `H W`, that an image may have as its size."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        try:
            size = image_size_of(values or ())  # type: ignore[arg-type]  # integers, by `type`
        except InputError as error:
            raise argparse.ArgumentError(self, str(error)) from None
        setattr(namespace, self.dest, list(size))


def count(largest: int) -> Callable[[str], int]:
    """Returns what accepts 1, 2, 3, ... up to a bound."""

    def positive_integer(text: str) -> int:
        number = _integer(text)
        if number < 1:
            raise argparse.ArgumentTypeError(f"{text} is less than 1")
        if number > largest:
            raise argparse.ArgumentTypeError(f"{text} is more than {largest:,}")
        return number

    return positive_integer


def positive_number(text: str) -> float:
    """Accepts a number above 0 that is neither too small nor too large to compute with."""
    number = _number(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    if not SMALLEST <= number <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is not between {SMALLEST:g} and {LARGEST:g}")
    return number


def seconds(text: str) -> float:
    """Accepts a positive number of seconds, an hour at most."""
    number = positive_number(text)
    if number > LONGEST_TURN:
        raise argparse.ArgumentTypeError(f"{text} is more than an hour, {LONGEST_TURN:g}")
    return number


def nonnegative_number(text: str) -> float:
    """Accepts 0 or a positive number."""
    number = _number(text)
    if number == 0:
        return 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number of 0 or more")
    return positive_number(text)


def noise_weight(text: str) -> float | str:
    """Accepts "learned", "learned_steps", 0 or a positive number."""
    return text if text in LEARNED_WEIGHTS else nonnegative_number(text)


def seed(text: str) -> int:
    """Accepts 0, 1, 2, ..."""
    number = _integer(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 2^31 - 1")
    return number


def fraction(text: str) -> float:
    """Accepts a number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def momentum(text: str) -> float:
    """Accepts a number between 0 and 1, neither of them."""
    number = fraction(text)
    if number in (0, 1):
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1, such as 0.999")
    return number


def _integer(text: str) -> int:
    try:
        return int(text)  # of more than 4300 digits it is a ValueError, too
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
