"""The public names: read from the stub, imported when they are used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kdmri_tf

STUB = Path(kdmri_tf.__file__).with_suffix(".pyi")


def test_the_package_is_imported_without_tensorflow():
    program = "import sys, kdmri_tf; kdmri_tf.InputError; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "kdmri_tf.errors" in imported
    assert not imported & {"tensorflow", "keras", "numpy"}


@pytest.mark.parametrize("name", kdmri_tf.__all__)
def test_every_name_is_there(name):
    assert getattr(kdmri_tf, name).__module__.startswith("kdmri_tf.")
    assert getattr(kdmri_tf, name).__doc__


def test_the_stub_exports_every_name():
    """Type checkers take `from .a import b` of a stub for private, unlike `... import b as b`."""
    imports = [
        node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ImportFrom)
    ]
    names = [alias for node in imports for alias in node.names]
    assert sorted(alias.name for alias in names) == sorted(kdmri_tf.__all__)
    assert all(alias.asname == alias.name for alias in names)
