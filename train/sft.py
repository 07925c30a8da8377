"""SFT-KD-Recon from end to end: the same distillation with and without a student-friendly teacher.

python train/sft.py --dataset brain --acc 4

Teacher and student branches are trained together and the student is distilled from that teacher;
beside it the student alone and distilled from a teacher trained alone. Finished stages are reused.
"""

from kdmri_tf.cli.sft import run

if __name__ == "__main__":
    run()
