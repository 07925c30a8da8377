"""Trains a student network alone, without a teacher: the baseline of distillation.

python train/student.py --dataset cardiac --acc 4

Leaves runs/<dataset>-<source>-<acc>x/student-D3C5/model.keras, which train/kd.py finds there.
"""

from kdmri_tf.cli.student import run

if __name__ == "__main__":
    run()
