"""Where all extras are promised, as in .ci/run, no test skips because a package is missing."""

import re
from pathlib import Path

import numpy as np
import pytest
from needed_packages import PROMISED, needed

TESTS = Path(__file__).parent
# Of no extra for tests, or of the surroundings.
OPTIONAL = {"torch", "setuptools"}


@pytest.mark.parametrize(
    ("promise", "outcome"), [("", pytest.skip.Exception), ("1", ModuleNotFoundError)]
)
def test_a_missing_package_skips_or_fails(monkeypatch, promise, outcome):
    monkeypatch.setenv(PROMISED, promise)
    with pytest.raises(outcome, match="no_such_package"):
        needed("no_such_package")


@pytest.mark.parametrize("promise", ["", "1"])
def test_a_package_that_is_there_is_imported(monkeypatch, promise):
    monkeypatch.setenv(PROMISED, promise)
    assert needed("numpy") is np


def test_nothing_else_skips_for_a_package():
    skipped = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r'importorskip\("?(\w+)', path.read_text(encoding="utf-8"))
    }
    assert skipped == OPTIONAL


def test_the_whole_check_promises_all_packages():
    script = (TESTS.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(rf"^export {PROMISED}=1$", script, re.MULTILINE)
