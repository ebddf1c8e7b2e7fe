"""The constraints, one file each."""
