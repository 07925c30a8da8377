"""How computations run: cores, slices side by side, fused operations, bfloat16."""
