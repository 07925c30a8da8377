"""Super-resolution by the chain of train/kd.py: VDSR teacher, student, KD student, SavedModel.

python train/superres.py --dataset calgary --scale 4

The same script with other networks and another degradation: whatever kd.py does, this does too.
"""

from kdmri_tf.cli.superres import run

if __name__ == "__main__":
    run()
