"""Pictures in TensorBoard: what the network makes of a good, a median and a bad slice."""

import itertools
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.evaluation.figure_slices import FigureCandidates, FigureSlice
from kdmri_tf.evaluation.figures import reconstruction_figure
from kdmri_tf.evaluation.reconstructions import reconstruct
from kdmri_tf.evaluation.volume_slices import Slices, volume_slices
from kdmri_tf.pictures import draw
from kdmri_tf.training.validation import is_stored_upside_down

VOLUMES = 10  # of the validation split that the slices are chosen from
LARGEST_SHARE = 0.02  # of the time of training that pictures may take
USUAL_SECONDS = 3.0  # of a picture, before the first has shown how long it takes


class ImageLog(keras.callbacks.Callback):
    """Draws the same three validation slices again and again, as TensorBoard shows them.

    They are a good, a median and a bad one by the PSNR of the images without a network, among the
    first ten volumes, so that they stay the same from picture to picture and after a restart. The
    last epoch is always drawn, others as often as two percent of the time of training allow. The
    training does not depend on it: a picture that fails is a warning. It shows the weights that are
    validated, as long as a callback that swaps averages in comes after this one.

    Args:
        folder: of the event files.
        network: the `Network` that is trained, or a model with one as its `teacher`.
        data: whose validation slices are shown.
        epochs: of the whole training.
    """

    def __init__(self, folder: Path, network: keras.Model, data: MRIData, epochs: int) -> None:
        super().__init__()
        self.folder = folder
        self.network = getattr(network, "teacher", network)
        self.data = data
        self.epochs = epochs
        self._slices: dict[str, tuple[str, int, Slices]] = {}
        self._epoch = 0
        self._begin = time.perf_counter()
        self._spent = 0.0
        self._usual = USUAL_SECONDS

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Takes the number of the epoch."""
        self._epoch = epoch

    def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Draws after the validation of an epoch, if it is time."""
        epoch = self._epoch
        start = time.perf_counter()
        allowed = LARGEST_SHARE * (start - self._begin)
        if epoch + 1 < self.epochs and self._spent + self._usual > allowed:
            return
        with tempfile.TemporaryDirectory() as folder:
            what = f"TensorBoard's picture of validation slices after epoch {epoch + 1}"
            draw(Path(folder, "validation.png"), lambda place: self._paint(place, epoch), what)
        self._usual = time.perf_counter() - start
        self._spent += self._usual

    def _paint(self, place: Path, epoch: int) -> None:
        """Draws the slices to a file and copies it to TensorBoard."""
        self._slices = self._slices or self._choose()
        shown = [self._reconstructed(label, *part) for label, part in self._slices.items()]
        title = f"{self.network.architecture} after epoch {epoch + 1} of {self.epochs}"
        reconstruction_figure(shown, place, title, flip=is_stored_upside_down(self.data))
        image = tf.io.decode_png(place.read_bytes(), channels=3)
        writer = tf.summary.create_file_writer(str(self.folder))
        with writer.as_default():
            tf.summary.image("validation slices", image[tf.newaxis], step=epoch)
        writer.close()

    def _choose(self) -> dict[str, tuple[str, int, Slices]]:
        """Returns label -> (volume, index, slice)."""
        candidates, degradation = FigureCandidates(), self.data.degradation
        for volume, given in itertools.islice(self.data.volumes("validation"), VOLUMES):
            slices = volume_slices(volume, given, degradation)
            target, baselines = reconstruct({}, slices, degradation, batch_size=8)
            candidates.add(volume, slices, target, list(baselines.values())[-1])
        return candidates.choose()

    def _reconstructed(self, label: str, volume: str, index: int, slices: Slices) -> FigureSlice:
        def network(inputs: dict[str, tf.Tensor]) -> tf.Tensor:
            return tf.cast(self.network(inputs, training=False), tf.float32)

        target, images = reconstruct(
            {self.network.architecture: network}, slices, self.data.degradation, batch_size=1
        )
        reconstructions = {name: image[0] for name, image in images.items()}
        return FigureSlice(label, volume, index, target[0], reconstructions)
