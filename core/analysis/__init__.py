"""What a selection is worth: how well it covers the pool, beside random selections of the same size."""
