"""Training speed on this machine: every stage and every choice, in one interleaved run.

python train/benchmark.py --sizes 150x150 --torch

Leave the machine to it: taking turns evens out slow moments, but not who suffers most from them.
"""

import argparse
from pathlib import Path

import flags
from flag_types import positive_integer, positive_number

STAGES = ("teacher", "sft", "student", "attention", "distillation")


def image_size(text):
    """Accepts HxW, such as 640x368."""
    height, _, width = text.partition("x")
    return positive_integer(height), positive_integer(width)


def main(arguments):
    from kdmri_tf import benchmark_scaling, benchmark_training

    folder = Path(arguments.output)
    if arguments.scaling:
        table = benchmark_scaling.run(folder, arguments.sizes[0], arguments.batch_size or 4)
    else:
        names = ("sizes", "stages", "batch_size", "rounds", "seconds", "torch", "data_dir")
        choices = {name: getattr(arguments, name) for name in names}
        table = benchmark_training.run(folder, **choices)
    print(f"\n{table}\nTable, values and figure: {folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Measure training, slices a second, in one interleaved run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    papers_sizes = [(150, 150), (240, 240), (640, 368)]
    parser.add_argument(
        "--sizes", nargs="+", type=image_size, metavar="HxW", default=papers_sizes, help="of images"
    )
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="of training")
    parser.add_argument(
        "--batch-size",
        type=positive_integer,
        help="slices a step; None: 4, or 1 if large",
    )
    parser.add_argument("--rounds", type=positive_integer, default=5, help="turns of each")
    parser.add_argument("--seconds", type=positive_number, default=2.0, help="of a turn")
    parser.add_argument("--torch", action="store_true", help="beside PyTorch loops")
    parser.add_argument("--scaling", action="store_true", help="cost over slices and epochs")
    parser.add_argument("--data-dir", help="prepared data sets (~/tensorflow_datasets if None)")
    parser.add_argument("--output", default="runs/benchmark", help="folder of tables and figure")
    # Every contender has an allocator of its own.
    flags.run(main, parser, after_stop="measuring begins anew", tune_allocator=False)
