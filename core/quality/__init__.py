"""Label quality: how likely a given label is right, what is wrong with it, and what it should be."""
