"""What the inference benchmark measures: one network's files in every format, and its slices."""

import contextlib
import dataclasses
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdmri_tf.benchmarks.forms import FORMS, Form
from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import Samples, inputs_of, samples_of
from kdmri_tf.export.export_network import export_network
from kdmri_tf.export.formats import FORMATS
from kdmri_tf.networks.dccnn import DCCNN
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import describe, load_network
from kdmri_tf.training.initial_networks import is_name, new_network
from kdmri_tf.training.settings import TrainingSettings
from kdmri_tf.zoo.listing import network_path


class Artefacts:
    """Makes the files of one network in a folder, each when it is first asked for.

    LiteRT's are made once for every size, the others once, as they take images of any size. A
    trained network is exported on slices like those it was trained on, see `samples_of`, where its
    loss is measured; everything else on one synthetic slice.

    Args:
        name: such as "student".
        choice: `.keras` file or name of the zoo, or name of a network that stays untrained.
        folder: is made.
        image_size: (H, W) at which an untrained network is exported first.
        places: `manual_dir` and `data_dir` of real slices.
        forms: that `files` makes.

    Attributes:
        name: of the network.
        network: float32.
        losses: PSNR [dB] that a trained network loses in each form.
        origin: what slices that was measured on, in words; None if it was not.
        left_out: why a form cannot be made.

    Raises:
        InputError: an unreadable file, or an impossible name.
    """

    def __init__(
        self,
        name: str,
        choice: Path | str,
        folder: Path,
        image_size: Sequence[int],
        places: Mapping[str, Path | str | None],
        forms: Sequence[Form] = FORMS,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.network: Network
        self.losses: dict[Form, float] = {}
        self.left_out: dict[Form, str] = {}
        self.origin: str | None = None
        self._folder = folder
        self._places = places
        self._forms = forms
        self._is_trained = not is_name(choice)
        self._metadata: dict[str, Any] = {}
        if self._is_trained:
            self.network = load_network(choice)
            self._keras_path = network_path(choice)
            self._metadata = describe(choice, self.network)
        else:
            self.network = new_network(choice, TrainingSettings())
            self._keras_path = folder / f"{name}.keras"
            self.network.save(self._keras_path)
        height, width = self._metadata.get("image_size") or image_size
        self._image_size = (height, width)
        self._made: set[Path] = set()
        self._exported_on: dict[tuple[int, int], Samples] = {}

    def gigaflop(self, image_size: Sequence[int]) -> float:
        """Counts the floating-point operations [10^9] of the convolutions, for a slice.

        2 H W sum over convolutions of 9 (input channels) (output channels): a multiplication and an
        addition for every weight at every pixel that it works on. Bias, ReLU, data consistency and
        zero-filling are not counted.
        """
        return 2 * math.prod(image_size) * self.network.multiply_adds / 1e9

    def files(self, image_size: tuple[int, int]) -> dict[Form, Path]:
        """Makes the files or folders for images of this size, in every form that can be made."""
        return {
            form: path for form in self._forms if (path := self._file(form, image_size)) is not None
        }

    def slices(self, image_size: tuple[int, int], count: int) -> Path:
        """Writes synthetic slices as `.npz`: the network's inputs, and `expected` images."""
        path = self._folder / f"{self.name}-{count}x{_in_words(image_size)}.npz"
        if path not in self._made:
            samples = samples_of(self._metadata, self.network, image_size=image_size)
            images = samples.images[np.arange(count) % len(samples.images)]
            inputs = inputs_of(samples.degradation, images)
            expected = [
                self.network({name: array[[index]] for name, array in inputs.items()})
                for index in range(count)
            ]
            arrays: dict[str, Any] = {**inputs, "expected": np.concatenate(expected)}
            np.savez(path, **arrays)
            self._made.add(path)
        return path

    def weights(self) -> Path:
        """Writes an `.npz` file of the weights in their order, for `pytorch_inference`."""
        path = self._folder / f"{self.name}-weights.npz"
        np.savez(path, *self.network.get_weights())
        return path

    def check_pytorch(self) -> None:
        """Refuses a network that `pytorch_inference` does not have.

        Raises:
            InputError: it is not a residual DC-CNN of the papers' form, of magnitude images, that
                replaces the measured samples.
        """
        network = self.network
        is_known = (
            isinstance(network, DCCNN)
            and network.residual
            and network.noise_weight is None
            and not network.complex_images
            and re.fullmatch(r"D\d+C\d+", network.architecture)
        )
        if not is_known:
            raise InputError(
                "--torch only runs residual DC-CNNs of magnitude images, such as D5C5, that "
                f"replace the measured samples, which {self.name} is not; leave --torch out."
            )

    def _file(self, form: Form, image_size: tuple[int, int]) -> Path | None:
        """Makes a file, first for the images that the network is for; None if it cannot be made."""
        if form.format == "keras":
            return self._keras_path
        for size in (self._image_size, image_size):
            path = self._path(form, size)
            if path not in self._made and form not in self.left_out:
                samples = self._samples(size)
                try:
                    self._export(form, path, samples)
                    self._made.add(path)
                except InputError as error:
                    self.left_out[form] = str(error)
        return None if form in self.left_out else path

    def _samples(self, image_size: tuple[int, int]) -> Samples:
        """Returns slices to export on: as in training for a trained network at its own size."""
        if image_size not in self._exported_on:
            is_own = self._is_trained and image_size == self._image_size
            samples = samples_of(
                *(self._metadata, self.network, image_size),
                manual_dir=self._places.get("manual_dir") if is_own else None,
                data_dir=self._places.get("data_dir") if is_own else None,
            )
            if not is_own:
                images, calibration = samples.images[:1], samples.calibration[:1]
                samples = dataclasses.replace(samples, images=images, calibration=calibration)
            self._exported_on[image_size] = samples
        return self._exported_on[image_size]

    def _path(self, form: Form, image_size: tuple[int, int]) -> Path:
        size = f"-{_in_words(image_size)}" if form.format == "litert" else ""
        reduction = f"-{form.quantize}" if form.quantize else ""
        suffix = FORMATS[form.format].suffix or f"-{form.format}"
        return self._folder / f"{self.name}{size}{reduction}{suffix}"

    def _export(self, form: Form, path: Path, samples: Samples) -> None:
        with contextlib.redirect_stderr(io.StringIO()):  # where converters show their progress
            agreement = export_network(
                self.network,
                path,
                form.format,
                form.quantize,
                samples=samples,
                metadata=self._metadata,
                largest_loss=math.inf,
            )
        if self._is_trained and samples.image_size == self._image_size:
            self.losses[form] = agreement.loss
            self.origin = agreement.samples


def size_on_disk(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _in_words(image_size: Sequence[int]) -> str:
    height, width = image_size
    return f"{height}x{width}"
