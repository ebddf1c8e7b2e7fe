"""Handing samples to annotators, and merging what comes back: files, FiftyOne's annotation backends, and their record."""
