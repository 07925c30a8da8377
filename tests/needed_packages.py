"""Packages of the extra `test`: tests skip where one is missing, and fail where none may be."""

import importlib
import os

import pytest

PROMISED = "KDMRI_ALL_EXTRAS"  # set by .ci/run, which installs all of them


def needed(name):
    """Imports a package, such as "sigpy.mri", for the tests that need it."""
    if os.environ.get(PROMISED):
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is missing: pip install kdmri_tf[test]")
