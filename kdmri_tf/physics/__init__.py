"""The acquisition: Fourier transform, masks, and how images are degraded."""
