"""Speed on this machine, in one interleaved run: of training, or with --inference of networks.

python train/benchmark.py --sizes 150x150 --torch
python train/benchmark.py --inference --torch

Leave the machine to it: taking turns evens out slow moments, but not who suffers most from them.
"""

from pathlib import Path

from kdmri_tf.cli import benchmark_flags, launch


def main(arguments):
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

        table = inference.run(
            folder,
            networks=dict(arguments.networks or inference.NETWORKS),
            batch_sizes=arguments.batch_sizes or (1, 8),
            threads=arguments.threads,
            seconds=arguments.seconds or 0.5,
            manual_dir=arguments.manual_dir,
            **common,
        )
    else:
        from kdmri_tf.benchmarks import training

        table = training.run(
            folder,
            stages=arguments.stages or benchmark_flags.STAGES,
            batch_size=arguments.batch_size,
            seconds=arguments.seconds or 2.0,
            **common,
        )
    print(f"\n{table}\nTable, values and figure: {folder}")


def _check(arguments):
    """Refuses flags that would have no effect."""
    from kdmri_tf.errors import InputError

    unfit, rule = benchmark_flags.FOR_INFERENCE, "needs --inference: add that, or leave this out"
    if arguments.inference:
        unfit, rule = benchmark_flags.FOR_TRAINING, "is of training: leave it or --inference out"
    for name in unfit:
        if getattr(arguments, name):
            raise InputError(f"--{name.replace('_', '-')} {rule}.")
    is_trained = any(choice.endswith(".keras") for _, choice in arguments.networks or ())
    if arguments.inference and not is_trained and (arguments.manual_dir or arguments.data_dir):
        raise InputError(
            "--manual-dir and --data-dir are of the data that trained networks are exported on: "
            "give .keras files with --networks, or leave them out."
        )
    names = [name for name, _ in arguments.networks or ()]
    if len(set(names)) < len(names):
        raise InputError(f"Two networks have the same name: {', '.join(names)}; give each its own.")


def run():
    """Runs the command with the arguments of the command line."""
    # Every contender has an allocator of its own.
    parser = benchmark_flags.parser()
    launch.run(main, parser, after_stop="measuring begins anew", tune_allocator=False)
