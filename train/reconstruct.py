"""Reconstructs a volume with a trained network, or with what was exported of one.

python train/reconstruct.py model.tflite knee.h5 knee.nii.gz --acc 4
"""

from kdmri_tf.cli.reconstruct import run

if __name__ == "__main__":
    run()
