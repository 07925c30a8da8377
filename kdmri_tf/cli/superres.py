"""Super-resolution by the chain of `kdmri kd`: VDSR teacher, student, KD student, SavedModel.

kdmri superres --dataset calgary --scale 4

The same chain with other networks and another degradation: it does whatever `kdmri kd` does.
"""

from kdmri_tf.choices import METHODS
from kdmri_tf.cli import flags, kd, launch


def run() -> None:
    """Runs the command with the arguments of the command line."""
    description = "Distil a super-resolution student from a teacher (KD-MRI)."
    parser = kd.parser(description, methods=[name for name in METHODS if name != "fsp"])
    flags.for_super_resolution(parser, scale=4.0, teacher="VDSR11", student="VDSR7")
    launch.run(kd.main, parser)
