"""What an example is made of."""

import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds
from numpy.typing import NDArray

IMAGE = tfds.features.Documentation(
    desc="One slice: its magnitude, cropped around the centre or padded with zeros, and divided by "
    "its own maximum.",
    value_range="[0, 1]",
)
KSPACE = tfds.features.Documentation(
    desc="One slice: k-space of its (virtual) coils, real and imaginary part, fully sampled, "
    "unshifted (zero frequency at [0, 0]) and of an orthonormal FFT. The images are cropped around "
    "the centre or padded with zeros; the root sum of squares over the coils has the maximum 1 in "
    "each volume.",
)
VOLUME = tfds.features.Documentation(
    desc="Name of the volume that the slice is from; the metadata name its patient."
)
SLICE = tfds.features.Documentation(
    desc="Which slice of its volume it is; the description says how they are counted.",
    value_range="0 or more",
)


def slice_features(
    image_size: tuple[int, int], folder: Path, coils: int | None = None
) -> tfds.features.FeaturesDict:
    """Returns the features of a data set of slices: `image` or, of coils, `kspace`.

    Images are stored without loss, as PNG of the bits of their floats: `tfds.visualization` shows
    such features. Data sets of earlier versions, which read the same, have compressed tensors.
    K-space, float32 `(coils, H, W, 2)`, is stored as it is, as noise does not compress.

    Args:
        image_size: (height, width).
        folder: of the data set, where it may have been prepared.
        coils: of how many coils k-space is stored; None for images.
    """
    if coils is None:
        content = {"image": _image(image_size, folder)}
    else:
        content = {"kspace": _kspace(coils, image_size)}
    return tfds.features.FeaturesDict(
        {
            **content,
            "volume": tfds.features.Text(doc=VOLUME),
            "slice": tfds.features.Scalar(dtype=np.int32, doc=SLICE),
        }
    )


def _kspace(coils: int, image_size: tuple[int, int]) -> tfds.features.Tensor:
    return tfds.features.Tensor(
        shape=(coils, *image_size, 2), dtype=np.float32, encoding="bytes", doc=KSPACE
    )


def _image(image_size: tuple[int, int], folder: Path) -> tfds.features.FeatureConnector:
    shape = (*image_size, 1)
    if _holds_tensors(folder):
        image = tfds.features.Tensor(shape=shape, dtype=np.float32, encoding="zlib", doc=IMAGE)
    else:
        image = tfds.features.Image(shape=shape, dtype=np.float32, doc=IMAGE)
        # TFDS would have TensorFlow compute this, after which it is too late for `divide_cores`.
        image.encode_example = png_of_floats
    return image


def png_of_floats(image: NDArray[np.float32]) -> bytes:
    """Returns what `tfds.features.Image` makes of floats: a PNG whose RGBA are their four bytes.

    Args:
        image: float32 `(H, W, 1)`.
    """
    pixels = np.ascontiguousarray(image, "<f4").view(np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def _holds_tensors(folder: Path) -> bool:
    """Returns whether the images of a prepared data set are stored as an earlier version did."""
    try:
        features = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        image = features["featuresDict"]["features"]["image"]
    except (OSError, ValueError, KeyError, TypeError):  # not prepared, or damaged: see check_whole
        return False
    return "tensor" in image
