"""The flags of the benchmark, which go with training, with inference or with both."""

import argparse

from kdmri_tf.choices import MORE_STAGES, STAGES
from kdmri_tf.cli.flag_types import MOST_CORES, MOST_ROUNDS, count, named_model, network, seconds
from kdmri_tf.cli.parser import Parser
from kdmri_tf.errors import InputError
from kdmri_tf.sizes import LARGEST_IMAGE, MOST_COILS, MOST_SLICES, image_size_of

PAPERS_SIZES = [(150, 150), (240, 240), (640, 368)]
FOR_TRAINING = ("stages", "batch_size", "coils")
FOR_INFERENCE = ("networks", "batch_sizes", "threads", "manual_dir")


def image_size(text: str) -> tuple[int, int]:
    """Accepts HxW, such as 640x368."""
    height, separator, width = text.partition("x")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not HxW, such as 640x368")
    side = count(LARGEST_IMAGE)
    try:
        return image_size_of((side(height), side(width)))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def named_network(text: str) -> tuple[str, str]:
    """Splits NAME=NETWORK, whose network is a name or a `.keras` file that is there."""
    name, choice = named_model(text, "NAME=NETWORK, such as student=D3C5")
    return name, network(choice)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all of them."""
    flags = Parser(
        description="Measure slices a second in one interleaved run: of training, or of inference."
    )
    add = flags.add_argument
    add(
        "--sizes",
        nargs="+",
        type=image_size,
        metavar="HxW",
        help="of images (default: 150x150 240x240 640x368)",
    )
    add("--rounds", type=count(MOST_ROUNDS), help="turns of every contender (default: 5)")
    add("--seconds", type=seconds, help="length of a turn (default: 2; inference: 0.5)")
    add("--torch", action="store_true", help="measure PyTorch, too (pip install torch)")
    add("--data-dir", help="prepared data sets (default: ~/tensorflow_datasets)")
    add(
        "--output",
        default="runs/benchmark",
        help="folder of tables and figure (default: runs/benchmark)",
    )
    add = flags.add_argument_group("training").add_argument
    add(
        "--stages",
        nargs="+",
        choices=STAGES + MORE_STAGES,
        help=f"what is measured (default: {' '.join(STAGES)})",
    )
    add("--batch-size", type=count(MOST_SLICES), help="slices a step (default: 4, or 1 if large)")
    add(
        "--coils",
        nargs="+",
        type=count(MOST_COILS),
        metavar="N",
        help="also train networks of complex images, on scans of N coils each",
    )
    add = flags.add_argument_group("inference").add_argument
    add("--inference", action="store_true", help="networks in every format and precision")
    add(
        "--networks",
        nargs="+",
        type=named_network,
        metavar="NAME=NETWORK",
        help="names of networks or trained .keras files; the others are compared with the first "
        "(default: teacher=D5C5 student=D3C5)",
    )
    add(
        "--batch-sizes",
        nargs="+",
        type=count(MOST_SLICES),
        metavar="N",
        help="slices at a time (default: 1 8)",
    )
    add(
        "--threads",
        nargs="+",
        type=count(MOST_CORES),
        metavar="N",
        help="cores that a network runs on (default: 1, and all)",
    )
    add("--manual-dir", help="raw files, for the PSNR loss of trained networks on real slices")
    return flags
