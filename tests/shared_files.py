"""Where real data, masks and golden numbers lie, beside the checkout, where it has them."""

from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"
