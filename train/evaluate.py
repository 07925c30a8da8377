"""Evaluates trained networks beside the zero-filled image: table, CSV, JSON and figure.

python train/evaluate.py --dataset cardiac --acc 4
python train/evaluate.py --dataset cardiac --acc 4 teacher=PATH.keras student=PATH.keras

Without models it takes those of the run folder, and if there are none, zero-filling alone. The
table of given models goes to a folder of its own in the run folder.
"""

from kdmri_tf.cli.evaluate import run

if __name__ == "__main__":
    run()
