"""Trains a teacher network on the mean absolute error.

python train/teacher.py --dataset cardiac --acc 4

Leaves runs/<dataset>-<source>-<acc>x/teacher-D5C5/model.keras, which train/kd.py finds there.
"""

from kdmri_tf.cli.teacher import run

if __name__ == "__main__":
    run()
