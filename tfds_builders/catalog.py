"""What each data set offers: its sources, their image sizes, and how its masks sample.

Plain Python without TensorFlow, so that command lines can be checked in an instant.
"""

from dataclasses import dataclass

from kdmri_tf.physics.papers_sampling import PAPERS_SAMPLING, LineSampling


@dataclass(frozen=True)
class DatasetSpec:
    """Describes one data set.

    Attributes:
        image_sizes: source name -> default (height, width) in pixels; real sources come first, in
            the order in which `--source auto` looks for them, then `folder`, then `synthetic`.
        sampling: how the papers' masks sample it, unless the user asks for something else.
        anatomy: whose phantoms are its `synthetic` source.
    """

    image_sizes: dict[str, tuple[int, int]]
    sampling: LineSampling
    anatomy: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The source names, in the order of `--source auto`."""
        return tuple(self.image_sizes)


DATASETS = {
    "cardiac": DatasetSpec(
        image_sizes={"acdc": (150, 150), "folder": (150, 150), "synthetic": (150, 150)},
        sampling=PAPERS_SAMPLING["cardiac"],
        anatomy="cardiac",
    ),
    "brain": DatasetSpec(
        image_sizes={
            "mrbrains18": (240, 240),
            "mrbrains13": (240, 240),
            "folder": (240, 240),
            "synthetic": (240, 240),
        },
        sampling=PAPERS_SAMPLING["brain"],
        anatomy="brain",
    ),
    "knee": DatasetSpec(
        image_sizes={
            "hammernik": (640, 368),
            "fastmri": (320, 320),
            "folder": (320, 320),
            "synthetic": (320, 320),
        },
        sampling=PAPERS_SAMPLING["knee"],
        anatomy="knee",
    ),
    "calgary": DatasetSpec(
        image_sizes={"sc": (256, 256), "folder": (256, 256), "synthetic": (256, 256)},
        sampling=PAPERS_SAMPLING["calgary"],
        anatomy="brain",
    ),
}
