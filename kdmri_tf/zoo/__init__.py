"""Trained networks that come with the package: files, a listing of their digests, and cards."""
