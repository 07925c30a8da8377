"""Holds back what TensorFlow writes while it is imported: lines about oneDNN and missing GPUs.

TensorFlow 2.21 writes them whatever TF_CPP_MIN_LOG_LEVEL says, as its log does not listen yet.
"""

import importlib.abc
import importlib.util
import os
import shutil
import sys
import tempfile


class TensorFlowGreeting(importlib.abc.MetaPathFinder):
    """Finds TensorFlow, once, and loads it in silence; put before the other finders.

    A failing import shows everything that was written.
    """

    def find_spec(self, name, path, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _held_back(load, module)
        return spec


def _held_back(load, module):
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
