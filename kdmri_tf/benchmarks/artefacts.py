"""What the inference benchmark measures: one network's files in every format, and its slices."""

import contextlib
import dataclasses
import io
import math
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import samples_of
from kdmri_tf.export.export_network import export_network
from kdmri_tf.export.formats import FORMATS
from kdmri_tf.networks.dccnn import DCCNN
from kdmri_tf.networks.saved import describe, load_network
from kdmri_tf.training.initial_networks import is_name, new_network
from kdmri_tf.training.settings import TrainingSettings

# Of other formats: TensorFlow
FRAMEWORKS = {"litert": "LiteRT", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclasses.dataclass(frozen=True)
class Form:
    """A way to run a network.

    Attributes:
        name: in tables.
        format: "keras" or a key of `export.FORMATS`.
        quantize: as for `export_network`.
        by_predict: whether Keras runs it, instead of `Reconstructor`.
    """

    name: str
    format: str
    quantize: str | None = None
    by_predict: bool = False

    @property
    def framework(self) -> str:
        """Key of `report.COLOURS`."""
        return FRAMEWORKS.get(self.format, "TensorFlow")


FORMS = (
    Form("Keras predict", "keras", by_predict=True),
    Form(".keras float32", "keras"),
    Form("SavedModel float32", "saved_model"),
    Form("SavedModel bfloat16", "saved_model", "bfloat16"),
    Form("LiteRT float32", "litert"),
    Form("LiteRT float16", "litert", "float16"),
    Form("LiteRT int8", "litert", "int8"),
    Form("ONNX float32", "onnx"),
    Form("ONNX float16", "onnx", "float16"),
    Form("ONNX int8", "onnx", "int8"),
    Form("OpenVINO float32", "openvino"),
    Form("OpenVINO bfloat16", "openvino", "bfloat16"),
)


class Artefacts:
    """The files of one network in a folder, made when they are first asked for.

    LiteRT's are made once for every size, the others once, as they take images of any size. A
    trained network is exported on slices as it was trained on, see `samples_of`, where its loss is
    measured; everything else on one synthetic slice.

    Args:
        name: such as "student".
        choice: `.keras` file, or name of a network that stays untrained.
        folder: `Path`, is made.
        image_size: (H, W) at which an untrained network is exported first.
        places: `manual_dir` and `data_dir` of real slices.

    Attributes:
        name: of the network.
        network: float32.
        losses: `Form` -> PSNR [dB] that a trained network loses in it.
        origin: what slices that was measured on, in words; None without.
        left_out: `Form` -> why it cannot be made.

    Raises:
        InputError: an unreadable file, or an impossible name.
    """

    def __init__(self, name, choice, folder, image_size, places):
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.losses, self.left_out = {}, {}
        self.origin = None
        self._folder = folder
        self._places = places
        self._is_trained = not is_name(choice)
        self._metadata = {}
        if self._is_trained:
            self.network = load_network(choice)
            self._keras_path = Path(choice)
            self._metadata = describe(choice, self.network)
        else:
            self.network = new_network(choice, TrainingSettings())
            self._keras_path = folder / f"{name}.keras"
            self.network.save(self._keras_path)
        self._image_size = tuple(self._metadata.get("image_size") or image_size)
        self._made = set()
        self._exported_on = {}

    def gigaflop(self, image_size):
        """Floating-point operations [10^9] of the convolutions, for a slice.

        2 H W sum over convolutions of 9 (input channels) (output channels): a multiplication and an
        addition for every weight at every pixel. Bias, ReLU, data consistency and zero-filling are
        not counted.
        """
        convolutions = [conv for block in self.network.blocks for conv in block.convs]
        weights = sum(math.prod(conv.kernel.shape) for conv in convolutions)
        return 2 * math.prod(image_size) * weights / 1e9

    def files(self, image_size):
        """`Form` -> file or folder for images of this size, of all that can be made here."""
        return {form: path for form in FORMS if (path := self._file(form, image_size)) is not None}

    def slices(self, image_size, count):
        """An `.npz` file of synthetic slices: the network's inputs, and `expected` images."""
        path = self._folder / f"{self.name}-{count}x{_in_words(image_size)}.npz"
        if path not in self._made:
            samples = samples_of(self._metadata, self.network, image_size=image_size)
            images = samples.images[np.arange(count) % len(samples.images)]
            inputs = {k: np.asarray(v) for k, v in samples.degradation.apply(images).items()}
            expected = [
                self.network({name: array[[index]] for name, array in inputs.items()})
                for index in range(count)
            ]
            np.savez(path, **inputs, expected=np.concatenate(expected))
            self._made.add(path)
        return path

    def weights(self):
        """An `.npz` file of the weights in their order, for `pytorch_inference`."""
        path = self._folder / f"{self.name}-weights.npz"
        np.savez(path, *self.network.get_weights())
        return path

    def check_pytorch(self):
        """Raises an InputError for a network that `pytorch_inference` does not have."""
        network = self.network
        is_known = isinstance(network, DCCNN) and network.residual and network.noise_weight is None
        if not is_known:
            raise InputError(
                "--torch has residual DC-CNNs that replace the measured samples, and "
                f"{self.name} is none; leave --torch out."
            )

    def _file(self, form, image_size):
        """Makes it, first for the images that the network is for; None if that cannot be."""
        if form.format == "keras":
            return self._keras_path
        for size in (self._image_size, tuple(image_size)):
            path = self._path(form, size)
            if path not in self._made and form not in self.left_out:
                samples = self._samples(size)
                try:
                    self._export(form, path, samples)
                    self._made.add(path)
                except InputError as error:
                    self.left_out[form] = str(error)
        return None if form in self.left_out else path

    def _samples(self, image_size):
        """Slices to export on; as the network was trained on, if it was, at its own size."""
        if image_size not in self._exported_on:
            is_own = self._is_trained and image_size == self._image_size
            places = self._places if is_own else {}
            samples = samples_of(self._metadata, self.network, image_size=image_size, **places)
            if not is_own:
                one = {"images": samples.images[:1], "calibration": samples.calibration[:1]}
                samples = dataclasses.replace(samples, **one)
            self._exported_on[image_size] = samples
        return self._exported_on[image_size]

    def _path(self, form, image_size):
        size = f"-{_in_words(image_size)}" if form.format == "litert" else ""
        reduction = f"-{form.quantize}" if form.quantize else ""
        suffix = FORMATS[form.format].suffix or f"-{form.format}"
        return self._folder / f"{self.name}{size}{reduction}{suffix}"

    def _export(self, form, path, samples):
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


def size_on_disk(path):
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _in_words(image_size):
    height, width = image_size
    return f"{height}x{width}"
