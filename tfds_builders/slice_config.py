"""The configs of a data set: a source and an image size each."""

import dataclasses

import tensorflow_datasets as tfds

from tfds_builders.catalog import DATASETS

VERSION = "1.0.2"
RELEASE_NOTES = {
    "1.0.0": "First release.",
    "1.0.1": "The same slices; the metadata has the SHA-256 of every raw file.",
    "1.0.2": "The same slices; the metadata names the patient of every volume.",
}

# Of the sources that are not somebody else's.
LICENSES = {
    "folder": "Your own files, on your own terms.",
    "synthetic": "Apache License 2.0, as the code that draws the phantoms.",
}


@dataclasses.dataclass(kw_only=True)
class SliceConfig(tfds.core.BuilderConfig):
    """Names one source at one image size, (height, width) in pixels."""

    source: str
    image_size: tuple[int, int]


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


def config_name(dataset: str, source: str, image_size: tuple[int, int] | None) -> str:
    """Returns `<source>`, or `<source>_<H>x<W>` for another size than that of the catalog."""
    if image_size is None or tuple(image_size) == DATASETS[dataset].image_sizes[source]:
        return source
    return f"{source}_{image_size[0]}x{image_size[1]}"
