"""Holds back what TensorFlow writes while it is imported: lines about oneDNN and missing GPUs.

TensorFlow 2.21 writes them whatever TF_CPP_MIN_LOG_LEVEL says, as its log does not listen yet. It
takes an import hook, as only the command that runs knows when TensorFlow is imported, if at all:
not, for instance, to reconstruct with an ONNX file.
"""

import functools
import importlib.abc
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class TensorFlowGreeting(importlib.abc.MetaPathFinder):
    """Finds TensorFlow, once, and loads it in silence; put before the other finders.

    A failing import shows everything that was written.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = functools.partial(_held_back, spec.loader.exec_module)
            spec.loader.exec_module = load  # type: ignore[method-assign]  # of this loader alone
        return spec


def _held_back(load: Callable[[ModuleType], None], module: ModuleType) -> None:
    with tempfile.TemporaryFile("w+") as held:
        sys.stderr.flush()
        stderr = os.dup(2)  # not sys.stderr: these lines come from C++
        os.dup2(held.fileno(), 2)
        try:
            load(module)
        except BaseException:
            os.dup2(stderr, 2)
            held.seek(0)
            shutil.copyfileobj(held, sys.stderr)
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
