"""What each data set offers: its sources, their image sizes, and how its masks sample.

Plain Python without TensorFlow, so that command lines can be checked in an instant.
"""

from dataclasses import dataclass

from kdmri_tf.physics.papers_sampling import PAPERS_SAMPLING, LineSampling

MOST_WORKERS = 256  # processes of one computer that prepare a data set


@dataclass(frozen=True)
class DatasetSpec:
    """Describes one data set.

    Attributes:
        image_sizes: source name -> default (height, width) in pixels; real sources come first, in
            the order in which `--source auto` looks for them, then the user's own, then
            `synthetic`.
        sampling: how the papers' masks sample it, unless the user asks for something else.
        anatomy: whose phantoms are its `synthetic` source.
        kspace_sources: those with raw k-space, of which the coils can be had (`coils` of
            `prepare`); by default they give magnitude images as the others do.
    """

    image_sizes: dict[str, tuple[int, int]]
    sampling: LineSampling
    anatomy: str
    kspace_sources: tuple[str, ...] = ("folder_kspace",)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source names, in the order of `--source auto`."""
        return tuple(self.image_sizes)


DATASETS = {
    "cardiac": DatasetSpec(
        image_sizes={
            "acdc": (150, 150),
            "cmrxrecon": (256, 256),
            "folder": (150, 150),
            "folder_kspace": (256, 256),
            "synthetic": (150, 150),
        },
        sampling=PAPERS_SAMPLING["cardiac"],
        anatomy="cardiac",
        kspace_sources=("cmrxrecon", "folder_kspace"),
    ),
    "brain": DatasetSpec(
        image_sizes={
            "mrbrains18": (240, 240),
            "mrbrains13": (240, 240),
            "fastmri_multicoil": (320, 320),
            "folder": (240, 240),
            "folder_kspace": (240, 240),
            "synthetic": (240, 240),
        },
        sampling=PAPERS_SAMPLING["brain"],
        anatomy="brain",
        kspace_sources=("fastmri_multicoil", "folder_kspace"),
    ),
    "knee": DatasetSpec(
        image_sizes={
            "hammernik": (640, 368),
            "fastmri": (320, 320),
            "fastmri_multicoil": (320, 320),
            "folder": (320, 320),
            "folder_kspace": (320, 320),
            "synthetic": (320, 320),
        },
        sampling=PAPERS_SAMPLING["knee"],
        anatomy="knee",
        kspace_sources=("hammernik", "fastmri_multicoil", "fastmri", "folder_kspace"),
    ),
    "calgary": DatasetSpec(
        image_sizes={
            "sc": (256, 256),
            "mc": (218, 170),
            "folder": (256, 256),
            "folder_kspace": (256, 256),
            "synthetic": (256, 256),
        },
        sampling=PAPERS_SAMPLING["calgary"],
        anatomy="brain",
        kspace_sources=("mc", "sc", "folder_kspace"),
    ),
    # Of any other anatomy, which no paper has a mask for.
    "own": DatasetSpec(
        image_sizes={"folder": (256, 256), "folder_kspace": (256, 256), "synthetic": (256, 256)},
        sampling=LineSampling(center_lines=10, phase_encode_axis=0),
        anatomy="brain",
    ),
}
