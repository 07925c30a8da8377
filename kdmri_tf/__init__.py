"""Knowledge distillation for MRI reconstruction networks, in TensorFlow and Keras 3.

Names are imported when they are first used: `Reconstructor` runs exports on machines without
TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data": ["MRIData"],
        "data_consistency": ["DataConsistency"],
        "degradation": ["LowResolution", "Undersampling"],
        "distill": ["Distiller"],
        "errors": ["InputError"],
        "evaluation": ["evaluate"],
        "experiment": ["Experiment"],
        "export": ["export_network"],
        "layers": ["ConvBlock"],
        "loading": ["load_data", "load_super_resolution"],
        "losses": [
            "AttentionTransfer",
            "CorrelationCongruence",
            "FitNets",
            "FlowOfSolution",
            "SimilarityPreserving",
        ],
        "masks": ["equispaced_mask", "gaussian_mask", "load_mask", "uniform_mask"],
        "metrics": ["SlicePSNR"],
        "models": ["DCCNN"],
        "parallel": ["divide_cores"],
        "phantoms": ["phantom_volume"],
        "reconstructor": ["Reconstructor"],
        "runs": ["load_network"],
        "settings": ["TrainingSettings"],
        "student_friendly": ["StudentFriendlyTeacher"],
        "teacher_cache": ["cache_teacher"],
        "variation": ["compose_augmentations", "random_contrast", "random_flips"],
        "vdsr": ["VDSR"],
    },
)
