"""One object that runs a trained network in any format, on NumPy arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.inference.coil_inputs import complete_coils
from kdmri_tf.inference.runtimes.open_runtime import open_runtime
from kdmri_tf.inference.unlike_training import warn_if_unlike_training


class Reconstructor:
    """Runs a trained or exported network: `.keras`, SavedModel, LiteRT, ONNX or OpenVINO.

    The last three run without TensorFlow. May be called from several threads at once. A SavedModel
    is a program that can write files when it is opened or run: open those that you trust.

    Args:
        path: file or folder; or a name of the zoo, such as "cardiac-4x", see `list_networks`.
        num_threads: threads of one call; None for all cores of this process. For `.keras` and
            SavedModel it must be None: TensorFlow has one setting for the whole process.

    Attributes:
        path: as given.
        format: "keras", "saved_model", "litert", "onnx" or "openvino".
        metadata: the facts that travel with the network, see `kdmri_tf.networks.saved.describe`:
            `architecture`, `dataset`, `source`, `mask`, ...
        input_names: `("kspace", "mask")`; `("kspace", "mask", "sensitivities")` for complex images
            of several coils; or `("low_resolution",)` for a `VDSR`.
        image_size: (H, W) if it takes no other size, else None.
        complex_images: whether it takes k-space with coils and gives complex images.
        coils: the number of coils if it takes no other, else None.

    Raises:
        InputError: there is no such network, it is damaged, or the package that runs its format is
            not installed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import kdmri_tf
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "student.keras")
        ...     kdmri_tf.DCCNN(num_convs=2, num_cascades=1, filters=4).save(path)
        ...     reconstruct = kdmri_tf.Reconstructor(path)
        >>> reconstruct  # doctest: +ELLIPSIS
        <Reconstructor ...student.keras: D2C1, keras, kspace, mask, any size>
        >>> reconstruct.input_names
        ('kspace', 'mask')
        >>> mask = kdmri_tf.gaussian_mask((32, 30), acceleration=2)
        >>> kspace = np.zeros((1, 32, 30, 2), np.float32)
        >>> reconstruct(kspace, mask).shape
        (1, 32, 30, 1)
    """

    def __init__(self, path: Path | str, num_threads: int | None = None) -> None:
        self.path = path
        self._runtime = open_runtime(path, num_threads)
        self.format: str = self._runtime.format
        self.metadata: dict[str, Any] = self._runtime.metadata
        self.input_names: tuple[str, ...] = tuple(self._runtime.input_names)
        self.image_size: tuple[int, int] | None = self._runtime.image_size
        self.complex_images: bool = bool(self.metadata.get("complex_images"))
        self.coils: int | None = self.metadata.get("exported_coils")
        self._seen = False

    def __repr__(self) -> str:
        size = "any size" if self.image_size is None else "x".join(map(str, self.image_size))
        architecture = self.metadata.get("architecture", "unknown network")
        inputs = ", ".join(self.input_names)
        return f"<Reconstructor {self.path}: {architecture}, {self.format}, {inputs}, {size}>"

    def __call__(self, *inputs: ArrayLike) -> NDArray[np.float32]:
        """Reconstructs the images of a batch.

        Args:
            inputs: in the order of `input_names`. kspace `(batch, H, W, 2)` (real, imaginary),
                unshifted, ortho normalised, of slices with maximum 1; mask `(H, W)` or
                `(batch, H, W)` of 0 and 1, unshifted; low_resolution `(batch, H, W, 1)`. Of complex
                images: kspace and sensitivities `(batch, coils, H, W, 2)`, scaled as `DCCNN` asks
                for; sensitivities may be left out for one coil.

        Returns:
            float32 `(batch, H, W, 1)`; complex images `(batch, H, W, 2)`.

        Warns:
            UserWarning: in the first call, if k-space is centred, or scaled as that of no slice
                with maximum 1.

        Raises:
            InputError: the wrong number of inputs, a wrong shape, NaN or infinity, an image size or
                mask that this network cannot take; or it fails, or returns something else than
                finite float32 images of that shape, as damaged and foreign files do.
        """
        needed = [name for name in self.input_names if name != "sensitivities"]
        if not len(needed) <= len(inputs) <= len(self.input_names):
            count = f"{len(inputs)} array{'s' * (len(inputs) != 1)}"
            raise InputError(f"{self.path} takes {' and '.join(self.input_names)}; got {count}.")
        arrays = dict(zip(self.input_names, map(_float32, inputs), strict=False))
        if self.complex_images:
            complete_coils(arrays, self.input_names, self.coils, self.path)
        if "mask" in arrays and arrays["mask"].ndim == 2:
            mask, shape = arrays["mask"], arrays["kspace"].shape[:1]
            arrays["mask"] = np.ascontiguousarray(np.broadcast_to(mask, shape + mask.shape))
        self._check(arrays)
        if not self._seen:
            self._seen = True
            warn_if_unlike_training(arrays, stacklevel=2)
        try:
            image = self._runtime.run(arrays)
        except (InputError, MemoryError):
            raise
        except Exception as error:  # each library raises its own types
            raise InputError(f"{self.path} failed ({in_one_line(error)}).") from error
        batch, *others = arrays[self.input_names[0]].shape
        self._check_image(image, (batch, *others[-3:-1], 2 if self.complex_images else 1))
        return image

    def _check_image(self, image: NDArray[Any], shape: tuple[int, ...]) -> None:
        """Refuses what is not finite float32 images of this shape."""
        if image.shape != shape or image.dtype != np.float32:
            raise InputError(
                f"{self.path} returns images of shape {image.shape}, {image.dtype}, instead of "
                f"{shape}, float32: it is not an export of this package, or is damaged."
            )
        if not np.isfinite(image).all():
            index = int(np.argmin(np.isfinite(image).all(axis=(1, 2, 3))))
            raise InputError(
                f"{self.path} returns NaN or infinity for image {index} of the batch (the first is "
                "0), as damaged weights do, and exports that do not take this mask: use another "
                "network, or a SavedModel, which takes any mask."
            )

    def _check(self, arrays: dict[str, NDArray[np.float32]]) -> None:
        first = arrays[self.input_names[0]]
        channels = 1 if self.input_names[0] == "low_resolution" else 2
        axes = 5 if self.complex_images else 4
        if first.ndim == 5 > axes:
            raise InputError(
                f"{self.path} reconstructs magnitude images of one coil, but this k-space has an "
                f"axis of coils, shape {first.shape}: use a network of complex images."
            )
        if first.ndim != axes or first.shape[-1] != channels or first.size == 0:
            coils = "coils, " if self.complex_images else ""
            raise InputError(
                f"{self.input_names[0]} must be (batch, {coils}height, width, {channels}); got "
                f"shape {first.shape}."
            )
        self.check_image_size(first.shape[-3:-1])
        if "mask" in arrays and arrays["mask"].shape != (len(first), *first.shape[-3:-1]):
            raise InputError(
                "mask must be (height, width) or (batch, height, width), as large as kspace; got "
                f"mask {arrays['mask'].shape} and kspace {first.shape}."
            )
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise InputError(f"{name} contains NaN or infinity.")
        if "mask" in arrays:
            self.check_mask(arrays["mask"])

    def check_image_size(self, image_size: Sequence[int]) -> None:
        """Refuses images that this network cannot take.

        Args:
            image_size: (H, W).

        Raises:
            InputError: it was exported for another size.
        """
        if self.image_size is not None and tuple(image_size) != tuple(self.image_size):
            height, width = self.image_size
            raise InputError(
                f"{self.path} was exported for images of {height}x{width} pixels, not "
                f"{image_size[0]}x{image_size[1]}; export it again with --image-size "
                f"{image_size[0]} {image_size[1]}."
            )

    def check_mask(self, mask: NDArray[np.float32]) -> None:
        """Refuses masks that this network cannot take.

        Args:
            mask: `(H, W)` or `(batch, H, W)`.

        Raises:
            InputError: values other than 0 and 1; or it was exported for lines along one axis, and
                the mask has other samples.
        """
        if not ((mask == 0) | (mask == 1)).all():
            raise InputError("A mask must be 1 where k-space was measured and 0 elsewhere.")
        axis = self._runtime.phase_encode_axis
        if axis is not None and not (mask == np.take(mask, [0], axis=1 - axis - 2)).all():
            lines = ("rows", "columns")[axis]
            is_across = (mask == np.take(mask, [0], axis=axis - 2)).all()
            other = f"with --phase-encode-axis {1 - axis}, or " if is_across else ""
            raise InputError(
                f"{self.path} was exported for masks of whole {lines} (phase encode axis {axis}), "
                f"but this mask has other samples; export it {other}as a SavedModel, which takes "
                "any mask."
            )


def _float32(array: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        hint = ""
        if array.dtype.kind == "c":
            hint = " Complex k-space is np.stack([kspace.real, kspace.imag], axis=-1) here."
        raise InputError(f"The inputs must be real numbers; got {array.dtype}.{hint}")
    return np.ascontiguousarray(array, np.float32)
