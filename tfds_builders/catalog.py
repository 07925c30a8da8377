"""What each data set offers: its sources, image sizes and sampling geometry.

Plain Python without TensorFlow, so that command lines can be checked in an instant.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetSpec:
    """One data set.

    Attributes:
        image_sizes: source name -> default (height, width) in pixels; real sources come first, in
            the order in which `--source auto` looks for them, then `folder`, then `synthetic`.
        center_lines: lowest phase-encode lines that the papers' masks always sample.
        phase_encode_axis: image axis that the masks undersample (0 = height, 1 = width).
        anatomy: whose phantoms are its `synthetic` source.
    """

    image_sizes: dict[str, tuple[int, int]]
    center_lines: int
    phase_encode_axis: int
    anatomy: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The source names, in the order of `--source auto`."""
        return tuple(self.image_sizes)


DATASETS = {
    "cardiac": DatasetSpec(
        image_sizes={"acdc": (150, 150), "folder": (150, 150), "synthetic": (150, 150)},
        center_lines=10,
        phase_encode_axis=0,
        anatomy="cardiac",
    ),
    "brain": DatasetSpec(
        image_sizes={
            "mrbrains18": (240, 240),
            "mrbrains13": (240, 240),
            "folder": (240, 240),
            "synthetic": (240, 240),
        },
        center_lines=10,
        phase_encode_axis=0,
        anatomy="brain",
    ),
    "knee": DatasetSpec(
        image_sizes={
            "hammernik": (640, 368),
            "fastmri": (320, 320),
            "folder": (320, 320),
            "synthetic": (320, 320),
        },
        center_lines=30,
        phase_encode_axis=1,
        anatomy="knee",
    ),
    "calgary": DatasetSpec(
        image_sizes={"sc": (256, 256), "folder": (256, 256), "synthetic": (256, 256)},
        center_lines=10,
        phase_encode_axis=0,
        anatomy="brain",
    ),
}
