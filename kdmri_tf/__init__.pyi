# The public names, each with where it is defined: `__init__.py` imports them from there when they
# are first used, and editors and type checkers read this file in its place.

from .compute.parallel import divide_cores as divide_cores
from .compute.strategy import training_strategy as training_strategy
from .data.augmentation import compose_augmentations as compose_augmentations
from .data.augmentation import random_contrast as random_contrast
from .data.augmentation import random_flips as random_flips
from .data.loading import load_data as load_data
from .data.loading import load_super_resolution as load_super_resolution
from .data.mri_data import MRIData as MRIData
from .data.random_shifts import random_shifts as random_shifts
from .data.random_zoom import random_zoom as random_zoom
from .data.replica_batches import share_batches as share_batches
from .distillation.attention_transfer import AttentionTransfer as AttentionTransfer
from .distillation.branch_fading import BranchFading as BranchFading
from .distillation.correlation_congruence import CorrelationCongruence as CorrelationCongruence
from .distillation.distiller import Distiller as Distiller
from .distillation.feature_loss import FeatureLoss as FeatureLoss
from .distillation.fitnets import FitNets as FitNets
from .distillation.flow_of_solution import FlowOfSolution as FlowOfSolution
from .distillation.load_model import load_model as load_model
from .distillation.similarity_preserving import SimilarityPreserving as SimilarityPreserving
from .distillation.student_friendly import StudentFriendlyTeacher as StudentFriendlyTeacher
from .distillation.teacher_cache import cache_teacher as cache_teacher
from .distillation.with_features import WithFeatures as WithFeatures
from .errors import InputError as InputError
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.show import show as show
from .evaluation.slice_psnr import SlicePSNR as SlicePSNR
from .export.export_network import export_network as export_network
from .inference.reconstruct_volume import reconstruct_file as reconstruct_file
from .inference.reconstructor import Reconstructor as Reconstructor
from .networks.conv_block import ConvBlock as ConvBlock
from .networks.data_consistency import DataConsistency as DataConsistency
from .networks.dccnn import DCCNN as DCCNN
from .networks.saved import load_network as load_network
from .networks.vdsr import VDSR as VDSR
from .phantoms.phantom_volume import phantom_volume as phantom_volume
from .physics.calibration import calibration_region as calibration_region
from .physics.complex_undersampling import ComplexUndersampling as ComplexUndersampling
from .physics.espirit import espirit_sensitivities as espirit_sensitivities
from .physics.low_resolution import LowResolution as LowResolution
from .physics.masks import load_mask as load_mask
from .physics.samplers import equispaced_mask as equispaced_mask
from .physics.samplers import gaussian_mask as gaussian_mask
from .physics.samplers import uniform_mask as uniform_mask
from .physics.sense import SenseOperator as SenseOperator
from .physics.sensitivities import low_resolution_sensitivities as low_resolution_sensitivities
from .physics.simulated_acquisition import SimulatedAcquisition as SimulatedAcquisition
from .physics.undersampling import Undersampling as Undersampling
from .training.experiment import Experiment as Experiment
from .training.settings import TrainingSettings as TrainingSettings
from .volumes.sensitivities_file import load_sensitivities as load_sensitivities
from .zoo.cards import list_networks as list_networks

__version__: str
