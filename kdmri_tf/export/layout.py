"""The layout of images and masks that a format fixes when a network is exported."""

from collections.abc import Mapping, Sequence
from typing import Any

from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import Samples
from kdmri_tf.export.formats import FORMATS
from kdmri_tf.networks.network import Network
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.masks import phase_encode_axis as axis_of_lines


def check_layout(
    format: str,
    network: Network,
    image_size: Sequence[int] | None,
    phase_encode_axis: int | None,
) -> None:
    """Refuses to guess what a format fixes.

    Args:
        format: key of `FORMATS`.
        network: to be exported.
        image_size: (H, W), or None.
        phase_encode_axis: 0, 1 or None.

    Raises:
        InputError: the image size or the axis is None, and the format needs it.
    """
    if FORMATS[format].needs_size and image_size is None:
        raise InputError(
            f"An export as {format} has one fixed image size: give it (--image-size H W; in code "
            "image_size=(H, W))."
        )
    if needs_lines(format, network) and phase_encode_axis is None:
        raise InputError(
            f"An export as {format} only takes masks of whole lines along one axis: give it "
            "(--phase-encode-axis; in code phase_encode_axis), 0 if masks have whole rows, 1 if "
            "they have whole columns, or export a SavedModel, which takes any mask."
        )


def needs_lines(format: str, network: Network) -> bool:
    """Tells whether masks of this export have whole lines along one axis."""
    return FORMATS[format].needs_lines and network.degradation is not LowResolution


def fixed_axis(format: str, network: Network, samples: Samples) -> int | None:
    """Returns the phase encode axis that an export has for good; None if it takes any mask.

    Args:
        format: key of `FORMATS`.
        network: to be exported.
        samples: whose mask shows the axis.

    Raises:
        InputError: the format needs whole lines, and the mask has other samples.
    """
    if not needs_lines(format, network):
        return None
    axis = axis_of_lines(samples.degradation.sampled(samples.image_size))
    if axis is None:
        raise InputError(
            f"An export as {format} only takes masks of whole lines, but the mask "
            f"({samples.degradation.origin}) has other samples; export a SavedModel, which takes "
            "any mask."
        )
    return axis


def fixed_coils(format: str, network: Network, samples: Samples) -> int | None:
    """Returns how many coils an export has for good; None if it takes any number, or no coils.

    Args:
        format: key of `FORMATS`.
        network: to be exported.
        samples: whose k-space has that many, where one must be fixed.
    """
    if not network.complex_images:
        return None
    coils = getattr(samples.degradation, "coils", 1)
    return coils if coils == 1 or FORMATS[format].needs_size else None


def serving_options(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `inference_form.serve` that an export's metadata tell."""
    return {
        "coils": metadata.get("exported_coils"),
        "estimates_sensitivities": bool(metadata.get("estimates_sensitivities")),
    }
