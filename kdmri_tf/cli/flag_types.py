"""What the values of command-line flags may be: each function takes the text and gives the value.

argparse shows the message of an ArgumentTypeError as it is.
"""

import argparse
import math
import os
import re


def named_model(text: str) -> tuple[str, str]:
    """Splits "NAME=MODEL.keras"."""
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=MODEL.keras")
    if "/" in name:
        raise argparse.ArgumentTypeError(f"{name!r} names a folder: give a name without /")
    return name, path


def network(text: str) -> str:
    """Accepts a name such as "D5C5" or "VDSR11", or a `.keras` file that is there."""
    if text.endswith(".keras"):
        if not os.path.isfile(text):
            raise argparse.ArgumentTypeError(f"there is no model {text}")
    elif not re.fullmatch(r"D\d+C\d+|VDSR\d+", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a name DdCc, such as D5C5, nor one such as VDSR11, nor a .keras "
            "file"
        )
    return text


def network_name(text: str) -> str:
    """Accepts a name such as "D5C5" or "VDSR11" alone."""
    if text.endswith(".keras"):
        raise argparse.ArgumentTypeError(
            f"{text} is a trained network; give the name of one to train, such as D5C5"
        )
    return network(text)


def trained_network(text: str) -> str:
    """Accepts a `.keras` file that is there."""
    if not text.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a .keras file")
    return network(text)


def positive_integer(text: str) -> int:
    """Accepts 1, 2, 3, ..."""
    number = _integer(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def positive_number(text: str) -> float:
    """Accepts a finite number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def nonnegative_number(text: str) -> float:
    """Accepts 0 or a finite number above it."""
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number of 0 or more")
    return number


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


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
