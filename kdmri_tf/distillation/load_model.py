"""Loading models of this package with all that they were compiled with, to train on."""

from pathlib import Path

import keras

# Imported for Keras to know them by name when it reads a file.
from kdmri_tf.distillation import (  # noqa: F401
    distiller,
    feature_losses,
    student_friendly,
    with_features,
)
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation import slice_psnr  # noqa: F401
from kdmri_tf.networks.saved import read_model


def load_model(path: Path | str, compile: bool = True) -> keras.Model:
    """Loads any model of this package that Keras saved, a `Distiller` among them, to train on.

    As `keras.models.load_model`, which knows classes of this package only once they have been
    imported; `import kdmri_tf` alone imports none. `load_network` is for networks, to reconstruct.

    Args:
        path: `.keras` file, as `model.save(path)` and `keras.callbacks.ModelCheckpoint` write it.
        compile: whether losses, weights, metrics and the state of the optimizer are restored.

    Raises:
        InputError: the file is missing, or no readable `.keras` model, as of a class that is
            neither of Keras nor of this package and was not imported before.

    Example:
        >>> import tempfile
        >>> from kdmri_tf import DCCNN, Distiller, load_model
        >>> distiller = Distiller(DCCNN(3, 2), DCCNN(2, 2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     distiller.save(f"{folder}/distiller.keras")
        ...     loaded = load_model(f"{folder}/distiller.keras")
        >>> loaded.teacher.architecture, loaded.student.architecture
        ('D3C2', 'D2C2')
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no model {path}; give a .keras file, as model.save writes it.")
    return read_model(path, compile=compile)
