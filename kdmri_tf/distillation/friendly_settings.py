"""How a student-friendly teacher is trained: the weights of its losses and who feels them."""

from dataclasses import asdict, dataclass

from kdmri_tf.errors import InputError


@dataclass(frozen=True)
class FriendlySettings:
    """The settings of `StudentFriendlyTeacher`; their defaults stand here and nowhere else.

    Attributes:
        reconstruction_weight: of mean |x - x_T|.
        branch_weight: of mean |x - x_Si|.
        imitation_weight: of mean |x_T - x_Si|; 1 in the paper.
        stop_imitation_gradient: whether x_T is a constant in that term, so that the teacher's image
            is not drawn towards its branches.
        fade_branches: whether the weights of the last two go to 0 over the second half of the
            epochs, see `BranchFading`.

    Raises:
        InputError: a setting that has no effect, as the loss that it is of weighs nothing.
    """

    reconstruction_weight: float = 1.0
    branch_weight: float = 1.0
    imitation_weight: float = 1.0
    stop_imitation_gradient: bool = False
    fade_branches: bool = False

    def __post_init__(self):
        if self.stop_imitation_gradient and not self.imitation_weight:
            raise InputError(
                "stop_imitation_gradient is of the imitation term, whose weight is 0: leave it out "
                "or give an imitation_weight."
            )
        if self.fade_branches and not (self.branch_weight or self.imitation_weight):
            raise InputError(
                "fade_branches is of branches that are trained, but branch_weight and "
                "imitation_weight are 0: leave it out or give one of them."
            )

    @property
    def compile_arguments(self):
        """The arguments of `StudentFriendlyTeacher.compile`."""
        return {name: value for name, value in asdict(self).items() if name != "fade_branches"}

    @property
    def config(self):
        """What a stage's configuration says of them: what differs from the paper.

        The paper's settings are what a stage has whose configuration does not name any.
        """
        return {name: value for name, value in asdict(self).items() if value != PAPER[name]}


# Equations 1 to 4 of SFT-KD-Recon; whatever the defaults above are.
PAPER = {
    "reconstruction_weight": 1.0,
    "branch_weight": 1.0,
    "imitation_weight": 1.0,
    "stop_imitation_gradient": False,
    "fade_branches": False,
}
