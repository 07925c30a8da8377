"""Knowledge distillation for MRI reconstruction networks, in TensorFlow and Keras 3."""

from kdmri_tf.data import MRIData, load_data, load_super_resolution
from kdmri_tf.data_consistency import DataConsistency
from kdmri_tf.degradation import LowResolution, Undersampling
from kdmri_tf.distill import Distiller
from kdmri_tf.errors import InputError
from kdmri_tf.evaluate import evaluate
from kdmri_tf.experiment import Experiment
from kdmri_tf.export import export_saved_model
from kdmri_tf.layers import ConvBlock
from kdmri_tf.losses import (
    AttentionTransfer,
    CorrelationCongruence,
    FitNets,
    FlowOfSolution,
    SimilarityPreserving,
)
from kdmri_tf.masks import equispaced_mask, gaussian_mask, load_mask, uniform_mask
from kdmri_tf.metrics import SlicePSNR
from kdmri_tf.models import DCCNN
from kdmri_tf.parallel import divide_cores
from kdmri_tf.phantoms import phantom_volume
from kdmri_tf.settings import TrainingSettings
from kdmri_tf.student_friendly import StudentFriendlyTeacher
from kdmri_tf.teacher_cache import cache_teacher
from kdmri_tf.vdsr import VDSR

__all__ = [
    "DCCNN",
    "VDSR",
    "AttentionTransfer",
    "ConvBlock",
    "CorrelationCongruence",
    "DataConsistency",
    "Distiller",
    "Experiment",
    "FitNets",
    "FlowOfSolution",
    "InputError",
    "LowResolution",
    "MRIData",
    "SimilarityPreserving",
    "SlicePSNR",
    "StudentFriendlyTeacher",
    "TrainingSettings",
    "Undersampling",
    "cache_teacher",
    "divide_cores",
    "equispaced_mask",
    "evaluate",
    "export_saved_model",
    "gaussian_mask",
    "load_data",
    "load_mask",
    "load_super_resolution",
    "phantom_volume",
    "uniform_mask",
]
