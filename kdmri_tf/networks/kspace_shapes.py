"""The shapes of what a `DCCNN` is given."""

from kdmri_tf.errors import InputError
from kdmri_tf.physics.sense import check_coils

Shape = tuple[int | None, ...]


def check_shapes(shapes: dict[str, Shape], complex_images: bool) -> None:
    """Refuses inputs that are not of the shapes that a `DCCNN` takes.

    Args:
        shapes: name -> shape of `kspace`, `mask` and, of complex images, `sensitivities`; None
            where a size is unknown.
        complex_images: of the network.

    Raises:
        InputError: another shape, with the one that is needed.
    """
    kspace, mask = shapes["kspace"], shapes["mask"]
    if complex_images:
        check_coils(kspace, mask, "kspace")
        _check_sensitivities(shapes.get("sensitivities"), kspace)
        return
    if len(kspace) == 5:
        raise InputError(
            f"kspace has an axis of coils, shape {kspace}, but this network reconstructs "
            "magnitude images of one coil: make it with complex_images=True."
        )
    if len(kspace) != 4 or kspace[-1] != 2:
        raise InputError(
            f"kspace must have shape (batch, height, width, 2), the last axis (real, "
            f"imaginary); got shape {kspace}."
        )
    fits = len(mask) == 3 and all(
        None in pair or pair[0] == pair[1] for pair in zip(mask, kspace[:3], strict=True)
    )
    if not fits:
        raise InputError(
            f"mask must have shape (batch, height, width) to match kspace; got mask {mask} and "
            f"kspace {kspace}."
        )


def _check_sensitivities(shape: Shape | None, kspace: Shape) -> None:
    """Refuses sensitivities that are missing, or of another shape than the k-space."""
    if shape is None:
        if kspace[1] not in (None, 1):
            raise InputError(
                f"kspace has {kspace[1]} coils: give their sensitivities as well, in the same "
                "shape; low_resolution_sensitivities(kspace, mask) estimates them."
            )
        return
    pairs = zip(shape, kspace, strict=False)
    if len(shape) != 5 or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise InputError(
            f"sensitivities must have the shape of kspace, {kspace}, one map a coil; got {shape}."
        )
