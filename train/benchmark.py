"""Speed on this machine, in one interleaved run: of training, or with --inference of networks.

python train/benchmark.py --sizes 150x150 --torch
python train/benchmark.py --inference --torch

Leave the machine to it: taking turns evens out slow moments, but not who suffers most from them.
"""

from kdmri_tf.cli.benchmark import run

if __name__ == "__main__":
    run()
