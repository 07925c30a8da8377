"""The configs of a data set: a source, an image size, and images or k-space of some coils."""

import dataclasses
import re

import tensorflow_datasets as tfds

from tfds_builders.catalog import DATASETS

VERSION = "1.0.3"
RELEASE_NOTES = {
    "1.0.0": "First release.",
    "1.0.1": "The same slices; the metadata has the SHA-256 of every raw file.",
    "1.0.2": "The same slices; the metadata names the patient of every volume.",
    "1.0.3": "The same slices; the patients of fastMRI are those that its files name.",
}

# Of the sources that are not somebody else's.
LICENSES = {
    "folder": "Your own files, on your own terms.",
    "folder_kspace": "Your own files, on your own terms.",
    "synthetic": "Apache License 2.0, as the code that draws the phantoms.",
}


@dataclasses.dataclass(kw_only=True)
class SliceConfig(tfds.core.BuilderConfig):
    """Names one source at one image size, (height, width) in pixels.

    Attributes:
        source: of the catalog.
        image_size: (height, width) in pixels.
        coils: of how many virtual coils k-space is stored; None for magnitude images.
    """

    source: str
    image_size: tuple[int, int]
    coils: int | None = None


def slice_configs(dataset: str, descriptions: dict[str, str]) -> list[SliceConfig]:
    """Returns one config a source at the image size of the catalog; the first is the default."""
    return [
        SliceConfig(
            name=source,
            version=VERSION,
            release_notes=RELEASE_NOTES,
            description=descriptions[source],
            source=source,
            image_size=image_size,
        )
        for source, image_size in DATASETS[dataset].image_sizes.items()
    ]


def config_name(
    dataset: str, source: str, image_size: tuple[int, int] | None, coils: int | None = None
) -> str:
    """Returns `<source>`, with `_<H>x<W>` for another size than that of the catalog.

    K-space of N coils instead of magnitude images: with `_coils<N>` behind that.
    """
    name = source
    if image_size is not None and tuple(image_size) != DATASETS[dataset].image_sizes[source]:
        name = f"{name}_{image_size[0]}x{image_size[1]}"
    return name if coils is None else f"{name}_coils{coils}"


def config_of_name(name: str) -> tuple[str, tuple[int, int] | None, int | None] | None:
    """Returns what `config_name` made a name of: source, size, coils; None for another name.

    Example:
        >>> config_of_name("hammernik_320x256_coils8")
        ('hammernik', (320, 256), 8)
    """
    number = r"([1-9]\d*)"
    found = re.fullmatch(rf"(\w+?)(?:_{number}x{number})?(?:_coils{number})?", name)
    if found is None:
        return None
    source, height, width, coils = found.groups()
    size = (int(height), int(width)) if height else None
    return source, size, int(coils) if coils else None
