"""Speed on this machine, in one interleaved run: of training, or with --inference of networks.

kdmri benchmark --sizes 150x150 --torch
kdmri benchmark --inference --torch

Leave the machine to it: taking turns evens out slow moments, but not who suffers most from them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from kdmri_tf.choices import STAGES
from kdmri_tf.cli import benchmark_flags, launch
from kdmri_tf.cli.benchmark_flags import FOR_INFERENCE, FOR_TRAINING
from kdmri_tf.cli.flag_types import is_trained
from kdmri_tf.errors import InputError


def main(arguments: argparse.Namespace) -> None:
    _check(arguments)
    folder = Path(arguments.output)
    sizes = arguments.sizes or benchmark_flags.PAPERS_SIZES
    common = {
        "sizes": sizes,
        "rounds": arguments.rounds or 5,
        "torch": arguments.torch,
        "data_dir": arguments.data_dir,
    }
    if arguments.inference:
        from kdmri_tf.benchmarks import inference

        report = inference.measured(
            folder,
            networks=dict(arguments.networks or inference.NETWORKS),
            batch_sizes=arguments.batch_sizes or (1, 8),
            threads=arguments.threads,
            seconds=arguments.seconds or 0.5,
            manual_dir=arguments.manual_dir,
            **common,
        )
        table = report.write(folder, "inference")
    else:
        from kdmri_tf.benchmarks import training

        table = training.run(
            folder,
            stages=arguments.stages or STAGES,
            batch_size=arguments.batch_size,
            seconds=arguments.seconds or 2.0,
            coils=arguments.coils or (),
            **common,
        )
    print(f"\n{table}\nTable, values and figure: {folder}")


def _check(arguments: argparse.Namespace) -> None:
    """Refuses flags that would have no effect."""
    if arguments.inference:
        _refuse(arguments, FOR_TRAINING, "is for training: leave it or --inference out")
    else:
        _refuse(arguments, FOR_INFERENCE, "needs --inference: add that, or leave this out")
    any_trained = any(is_trained(choice) for _, choice in arguments.networks or ())
    if arguments.inference and not any_trained and (arguments.manual_dir or arguments.data_dir):
        raise InputError(
            "--manual-dir and --data-dir name the data that trained networks are exported on: "
            "give trained networks with --networks, or leave them out."
        )
    names = [name for name, _ in arguments.networks or ()]
    if len(set(names)) < len(names):
        raise InputError(f"Two networks have the same name: {', '.join(names)}; give each its own.")


def _refuse(arguments: argparse.Namespace, names: Sequence[str], rule: str) -> None:
    for name in names:
        if getattr(arguments, name):
            raise InputError(f"--{name.replace('_', '-')} {rule}.")


def run() -> None:
    """Runs the command with the arguments of the command line."""
    # Every contender has an allocator of its own.
    parser = benchmark_flags.parser()
    launch.run(main, parser, after_stop="measuring starts over", keeps_memory=False)
