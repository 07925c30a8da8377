"""Knee MRI slices: importing this package registers the TFDS data set `knee`."""

from tfds_builders.knee.knee_dataset_builder import Builder

__all__ = ["Builder"]
