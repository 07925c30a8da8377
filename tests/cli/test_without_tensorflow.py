"""`kdmri reconstruct` with nothing but what requirements-reconstruct.txt installs."""

import configparser
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from needed_packages import needed
from packaging.requirements import Requirement

from kdmri_tf import DCCNN, phantom_volume

ROOT = Path(__file__).parents[2]


def listed():
    """The requirements of the file."""
    lines = (ROOT / "requirements-reconstruct.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def of_setup():
    """Name -> requirement of everything in setup.cfg."""
    config = configparser.ConfigParser(inline_comment_prefixes="#")
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split("\n")
    lines += config["options.extras_require"]["onnx"].split("\n")
    return {Requirement(line).name: Requirement(line) for line in lines if line}


def installed_with(requirements):
    """The names of the distributions that pip would install for them."""
    names, waiting = set(), list(requirements)
    while waiting:
        name = waiting.pop().name.lower().replace("_", "-")
        if name in names:
            continue
        names.add(name)
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed)
    return names


def test_versions_are_those_of_setup_cfg():
    known = of_setup()
    assert [str(requirement) for requirement in listed()] == [
        str(known[requirement.name]) for requirement in listed()
    ]


# Reconstructs where only some distributions can be imported; prints what was.
PROGRAM = """
import importlib.abc, sys
from kdmri_tf.cli.main import main

allowed = set(sys.argv.pop().split(","))
class Others(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if path is None and name not in allowed | set(sys.stdlib_module_names):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Others())
main()
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.slow
def test_an_onnx_file_needs_nothing_else(tmp_path):
    needed("tf2onnx")
    model, volume, output = (tmp_path / name for name in ("a.onnx", "knee.npy", "b.nii.gz"))
    DCCNN(2, 1, filters=2).export(model, format="onnx", phase_encode_axis=0)
    np.save(volume, phantom_volume("knee", (48, 48), 2, seed=1))
    distributions = installed_with(listed())
    assert "tensorflow" not in distributions
    modules = {
        module: {name.lower().replace("_", "-") for name in names}
        for module, names in importlib.metadata.packages_distributions().items()
    }
    ours = {"kdmri_tf", "tfds_builders"}
    allowed = ours | {module for module, names in modules.items() if names & distributions}
    done = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM, "reconstruct", model, volume, output),
            *("--acc", "4", "--center-lines", "6", ",".join(allowed)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert output.exists()
    imported = set(done.stdout.splitlines()[-1].split())
    unused = [
        requirement.name
        for requirement in listed()
        if not any(
            requirement.name.lower().replace("_", "-") in names and module in imported
            for module, names in modules.items()
        )
    ]
    # h5py reads files of another kind.
    assert set(unused) <= {"h5py"}
