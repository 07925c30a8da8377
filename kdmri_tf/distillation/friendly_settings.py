"""How a student-friendly teacher is trained: the weights of its losses, and what they move."""

from dataclasses import asdict, dataclass
from typing import Any

from kdmri_tf.errors import InputError


@dataclass(frozen=True)
class FriendlySettings:
    """Holds the settings of `StudentFriendlyTeacher`, whose defaults stand here and nowhere else.

    Attributes:
        reconstruction_weight: weight of mean |x - x_T|.
        branch_weight: weight of mean |x - x_Si|.
        imitation_weight: weight of mean |x_T - x_Si|; 1 in the paper, where it takes away what the
            teacher learns from the target.
        stop_imitation_gradient: whether x_T is a constant in that term, so that the teacher's image
            is not drawn towards its branches.
        fade_branches: whether the weights of the last two go to 0 over the second half of the
            epochs, see `BranchFading`.

    Raises:
        InputError: a setting without effect, as the loss that it concerns has weight 0.
    """

    reconstruction_weight: float = 1.0
    branch_weight: float = 1.0
    imitation_weight: float = 0.0
    stop_imitation_gradient: bool = False
    fade_branches: bool = False

    def __post_init__(self) -> None:
        if self.stop_imitation_gradient and not self.imitation_weight:
            raise InputError(
                "stop_imitation_gradient concerns the imitation term, whose weight is 0: leave it "
                "out or give an imitation_weight."
            )
        if self.fade_branches and not (self.branch_weight or self.imitation_weight):
            raise InputError(
                "fade_branches has no effect where branch_weight and imitation_weight are 0: leave "
                "it out or give one of them."
            )

    @property
    def compile_arguments(self) -> dict[str, Any]:
        """The arguments of `StudentFriendlyTeacher.compile`."""
        return {name: value for name, value in asdict(self).items() if name != "fade_branches"}

    @property
    def config(self) -> dict[str, Any]:
        """What a stage's configuration says of them: those that differ from the paper.

        A stage whose configuration names none has the paper's settings.
        """
        return {name: value for name, value in asdict(self).items() if value != PAPER[name]}


# Equations 1 to 4 of SFT-KD-Recon, whatever the defaults above are.
PAPER = {
    "reconstruction_weight": 1.0,
    "branch_weight": 1.0,
    "imitation_weight": 1.0,
    "stop_imitation_gradient": False,
    "fade_branches": False,
}
