"""Cardiac MRI slices: importing this package registers the TFDS data set `cardiac`."""

from tfds_builders.cardiac.cardiac_dataset_builder import Builder

__all__ = ["Builder"]
