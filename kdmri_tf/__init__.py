"""Knowledge distillation for MRI reconstruction networks, in TensorFlow and Keras 3."""

from kdmri_tf.data import MRIData, load_data
from kdmri_tf.data_consistency import DataConsistency
from kdmri_tf.distill import Distiller
from kdmri_tf.errors import InputError
from kdmri_tf.evaluate import evaluate
from kdmri_tf.experiment import Experiment
from kdmri_tf.export import export_saved_model
from kdmri_tf.layers import ConvBlock
from kdmri_tf.losses import AttentionTransfer
from kdmri_tf.masks import equispaced_mask, gaussian_mask, load_mask, uniform_mask
from kdmri_tf.metrics import SlicePSNR
from kdmri_tf.models import DCCNN
from kdmri_tf.parallel import divide_cores
from kdmri_tf.phantoms import phantom_volume
from kdmri_tf.settings import TrainingSettings
from kdmri_tf.teacher_cache import cache_teacher

__all__ = [
    "DCCNN",
    "AttentionTransfer",
    "ConvBlock",
    "DataConsistency",
    "Distiller",
    "Experiment",
    "InputError",
    "MRIData",
    "SlicePSNR",
    "TrainingSettings",
    "cache_teacher",
    "divide_cores",
    "equispaced_mask",
    "evaluate",
    "export_saved_model",
    "gaussian_mask",
    "load_data",
    "load_mask",
    "phantom_volume",
    "uniform_mask",
]
