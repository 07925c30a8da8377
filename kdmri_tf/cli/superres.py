"""Super-resolution by the chain of train/kd.py: VDSR teacher, student, KD student, SavedModel.

python train/superres.py --dataset calgary --scale 4

The same script with other networks and another degradation: whatever kd.py does, this does too.
"""

from kdmri_tf.cli import flags, kd, launch


def run():
    """Runs the command with the arguments of the command line."""
    description = "Distil a super-resolution student from a teacher (KD-MRI)."
    parser = kd.parser(description, methods=[name for name in flags.METHODS if name != "fsp"])
    flags.for_super_resolution(parser, scale=4.0, teacher="VDSR11", student="VDSR7")
    launch.run(kd.main, parser)
