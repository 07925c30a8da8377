"""How the papers' masks sample each data set: the defaults of masks that are drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LineSampling:
    """Describes the lines that a mask measures, whatever its acceleration.

    Attributes:
        center_lines: how many of the lowest phase-encode lines are always measured.
        phase_encode_axis: image axis along which lines are left out (0 = height, 1 = width).
    """

    center_lines: int
    phase_encode_axis: int


PAPERS_SAMPLING = {
    "cardiac": LineSampling(center_lines=10, phase_encode_axis=0),
    "brain": LineSampling(center_lines=10, phase_encode_axis=0),
    "knee": LineSampling(center_lines=30, phase_encode_axis=1),
    "calgary": LineSampling(center_lines=10, phase_encode_axis=0),
}

# Of scanners' files, whatever the anatomy: their readout runs along H.
RAW_PHASE_ENCODE_AXIS = 1
