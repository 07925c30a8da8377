"""What TensorFlow writes while it is imported: held back by the scripts, unless it fails."""

import subprocess
import sys

import pytest
from command_line import TRAIN

PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:]
from kdmri_tf.cli import quiet_import
sys.meta_path.insert(0, quiet_import.TensorFlowGreeting())
import json.tool
import tensorflow
import tensorflow.nn
print(tensorflow.name, "tensorflow" in sys.modules)
print("after", file=sys.stderr)
"""


@pytest.fixture
def import_tensorflow(tmp_path):
    """Imports a package of that name with this content; returns the ended process."""

    def run(content):
        (tmp_path / "tensorflow").mkdir()
        (tmp_path / "tensorflow" / "nn.py").touch()
        (tmp_path / "tensorflow" / "__init__.py").write_text(content)
        command = [sys.executable, "-c", PROGRAM, str(TRAIN), str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_the_greeting_is_held_back(import_tensorflow):
    done = import_tensorflow("import os\nos.write(2, b'greeting')\nname = __name__")
    assert (done.stdout, done.stderr) == ("tensorflow True\n", "after\n")


def test_a_failing_import_shows_all(import_tensorflow):
    done = import_tensorflow("import os\nos.write(2, b'greeting')\nraise ImportError('no AVX')")
    assert done.returncode == 1
    assert done.stderr.startswith("greeting")
    assert done.stderr.endswith("ImportError: no AVX\n")


def test_without_tensorflow(tmp_path):
    """As where an export runs in another runtime."""
    elsewhere = "sys.path[:] = [path for path in sys.path if 'site-packages' not in path]"
    program = PROGRAM.replace("import json.tool", elsewhere)
    command = [sys.executable, "-c", program, str(TRAIN), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: No module named 'tensorflow'" in done.stderr
