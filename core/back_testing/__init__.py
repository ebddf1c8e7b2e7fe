"""Replaying strategies on labels that are there already: arrays in, learning curves out."""
