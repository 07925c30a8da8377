"""Synthetic anatomy, drawn from ellipses and splines."""
