"""What is compared: contenders that do the same work."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contender:
    """Describes one way to do the work of its group.

    Attributes:
        name: in tables and figures.
        command: starts its process, which speaks as `interleaved` describes.
        environment: variables that the process gets in addition, see `environment_of`.
        framework: key of `speed_figure.COLOURS`.
        previous: name of the contender to which it adds one choice, or None.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    framework: str = "TensorFlow"
    previous: str | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Names contenders that do the same work and are compared with each other.

    Attributes:
        work: what they do, such as "distillation".
        image_size: (H, W).
        batch_size: slices per step.
        contenders: the first is the reference.
        rivals: heading -> names of contenders, the fastest of which the others are compared with.
    """

    work: str
    image_size: tuple[int, int]
    batch_size: int
    contenders: tuple[Contender, ...]
    rivals: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Returns such as "distillation, 150x150, batch 4"."""
        height, width = self.image_size
        return f"{self.work}, {height}x{width}, batch {self.batch_size}"

    @property
    def facts(self) -> dict[str, str | int | float]:
        """Returns what distinguishes it from other groups: column -> value."""
        height, width = self.image_size
        return {"work": self.work, "height": height, "width": width, "batch_size": self.batch_size}
