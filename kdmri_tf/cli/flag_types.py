"""What the values of command-line flags may be: each function takes the text and gives the value.

argparse shows the message of an ArgumentTypeError as it is.
"""

import argparse
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
        raise argparse.ArgumentTypeError(f"{text!r} is no .keras file")
    return network(text)


def positive_integer(text: str) -> int:
    """Accepts 1, 2, 3, ..."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return int(text)


def positive_number(text: str) -> float:
    """Accepts a finite number above 0."""
    if not 0 < float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return float(text)


def nonnegative_number(text: str) -> float:
    """Accepts 0 or a finite number above it."""
    if not 0 <= float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is negative or no finite number")
    return float(text)


def seed(text: str) -> int:
    """Accepts 0, 1, 2, ..."""
    if not 0 <= int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 2^31 - 1")
    return int(text)


def fraction(text: str) -> float:
    """Accepts a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value
