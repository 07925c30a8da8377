"""The `synthetic` source: phantoms instead of patients, always available and always the same."""

from functools import partial

from kdmri_tf.phantoms.phantom_volume import phantom_volume
from tfds_builders.catalog import DATASETS
from tfds_builders.raw_volume import RawVolume, Splits

# data set -> split -> (volumes, slices a volume)
NUM_VOLUMES_AND_SLICES = {
    "cardiac": {"train": (12, 6), "validation": (8, 3)},
    "brain": {"train": (12, 3), "validation": (8, 1)},
    "knee": {"train": (8, 3), "validation": (8, 1)},
    "calgary": {"train": (12, 2), "validation": (8, 1)},
    "own": {"train": (12, 2), "validation": (8, 1)},
}
FIRST_SEED = {"train": 1000, "validation": 2000}


def synthetic_volumes(dataset: str, image_size: tuple[int, int]) -> Splits:
    """Returns split -> phantom volumes of a data set's anatomy; a volume's name is its seed."""
    anatomy = DATASETS[dataset].anatomy
    volumes: Splits = {}
    for split, (num_volumes, num_slices) in NUM_VOLUMES_AND_SLICES[dataset].items():
        seeds = range(FIRST_SEED[split], FIRST_SEED[split] + num_volumes)
        volumes[split] = [
            RawVolume(
                name=f"phantom{seed}",
                patient=f"phantom{seed}",
                readers={0: partial(phantom_volume, anatomy, image_size, num_slices, seed)},
            )
            for seed in seeds
        ]
    return volumes
