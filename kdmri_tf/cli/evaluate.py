"""Evaluates trained networks beside the zero-filled image: table, CSV, JSON and figure.

kdmri evaluate --dataset cardiac --acc 4
kdmri evaluate --dataset cardiac --acc 4 teacher=PATH.keras student=cardiac-4x

Without models it takes those of the run folder, and if there are none, zero-filling alone. The
table of given models goes to a folder of its own in the run folder.
"""

import argparse
import hashlib
from collections.abc import Sequence

from kdmri_tf.cli import flags, from_flags, launch
from kdmri_tf.cli.flag_types import named_model
from kdmri_tf.errors import InputError

LONGEST_NAME = 255  # bytes of a folder's name


def main(arguments: argparse.Namespace) -> None:
    names = [name for name, _ in arguments.models]
    if len(set(names)) < len(names):
        raise InputError(f"Two networks have the same name: {', '.join(names)}; give each its own.")
    experiment = from_flags.experiment(arguments)
    classical = arguments.classical_baselines
    if not arguments.models:
        experiment.evaluate(experiment.finished(), classical=classical)
        return
    networks = {name: experiment.given(name, path) for name, path in arguments.models}
    folder = experiment.run_dir / folder_of(names)
    experiment.evaluate(networks, folder, classical=classical)


def folder_of(names: Sequence[str]) -> str:
    """Returns the name of the folder for a table of these networks, which may be many.

    Example:
        >>> folder_of(["teacher", "my student"])
        'evaluation-teacher-my-student'
    """
    folder = f"evaluation-{'-'.join(names)}".replace(" ", "-")
    if len(folder.encode()) <= LONGEST_NAME:
        return folder
    digest = hashlib.sha256(folder.encode()).hexdigest()[:8]
    return f"{folder.encode()[: LONGEST_NAME - 9].decode(errors='ignore')}-{digest}"


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser("Evaluate networks on the validation split.", training=False)
    parser.add_argument(
        "models",
        nargs="*",
        type=named_model,
        metavar="NAME=MODEL",
        help="networks to compare: .keras files or names of the zoo",
    )
    parser.add_argument(
        "--classical-baselines",
        action="store_true",
        help="with --coils: also CG-SENSE and L1-wavelet compressed sensing, by sigpy, the weight "
        "of their penalty chosen on training slices",
    )
    launch.run(main, parser)
