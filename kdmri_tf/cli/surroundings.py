"""What a command decides itself, whatever the user's machine is set up for.

Everything here goes through the environment, before the libraries are imported: processes that a
command starts inherit it.
"""

import os
import sys
from pathlib import Path

# Its keras.json and matplotlibrc take the place of the user's.
_SETTINGS = Path(__file__).parent / "settings"
# Keras would train for fewer epochs than the command line says.
_MISLEADING = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")


def take_over() -> None:
    """Chooses TensorFlow for Keras, matplotlib without windows, and printing that never fails.

    A user's keras.json may name another backend, channels first or float64, a matplotlibrc fonts,
    styles or a LaTeX that are not there.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = str(_SETTINGS)
    os.environ["MATPLOTLIBRC"] = str(_SETTINGS / "matplotlibrc")
    os.environ["MPLBACKEND"] = "agg"
    for name in _MISLEADING:
        os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be UTF-8, nor need a terminal know every character. A log shows
        # lines when they are written.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
