"""Knowledge distillation for MRI reconstruction networks, in TensorFlow and Keras 3.

Names are imported when they are first used: `Reconstructor` runs exports on machines without
TensorFlow.
"""

import lazy_loader

from kdmri_tf.networks import exporter

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data.mri_data": ["MRIData"],
        "networks.data_consistency": ["DataConsistency"],
        "physics.degradation": ["LowResolution", "Undersampling"],
        "distillation.distiller": ["Distiller"],
        "errors": ["InputError"],
        "evaluation.evaluate": ["evaluate"],
        "training.experiment": ["Experiment"],
        "export.export_network": ["export_network"],
        "networks.conv_block": ["ConvBlock"],
        "data.loading": ["load_data", "load_super_resolution"],
        "distillation.feature_losses": [
            "AttentionTransfer",
            "CorrelationCongruence",
            "FitNets",
            "FlowOfSolution",
            "SimilarityPreserving",
        ],
        "physics.masks": ["equispaced_mask", "gaussian_mask", "load_mask", "uniform_mask"],
        "evaluation.show": ["show"],
        "evaluation.slice_psnr": ["SlicePSNR"],
        "networks.dccnn": ["DCCNN"],
        "compute.parallel": ["divide_cores"],
        "phantoms.phantom_volume": ["phantom_volume"],
        "inference.reconstructor": ["Reconstructor"],
        "networks.saved": ["load_network"],
        "training.settings": ["TrainingSettings"],
        "distillation.student_friendly": ["StudentFriendlyTeacher"],
        "distillation.teacher_cache": ["cache_teacher"],
        "data.augmentation": ["compose_augmentations", "random_contrast", "random_flips"],
        "networks.vdsr": ["VDSR"],
    },
)


def _export(network, path, format, **options):
    """What `Network.export` calls; the formats are imported with the first export."""
    from kdmri_tf.export.export_network import export_network

    return export_network(network, path, format, **options)


exporter.register_exporter(_export)
