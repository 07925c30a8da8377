"""Knowledge distillation for MRI reconstruction networks, in TensorFlow and Keras 3.

The public names stand in `__init__.pyi`, with where each is defined. They are imported from there
when they are first used, so that `Reconstructor` runs exports on machines without TensorFlow.
"""

from typing import Any

import lazy_loader

from kdmri_tf.networks import exporter

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _export(*arguments: Any, **options: Any) -> Any:
    """Exports a network for `Network.export`; the formats are imported with the first export."""
    from kdmri_tf.export.export_network import export_network

    return export_network(*arguments, **options)


exporter.register_exporter(_export)
