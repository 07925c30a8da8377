"""Whole volumes through a trained network, in any format."""
