"""The verbs of a review: start it, decide, see how far it is, apply what was decided, and hand work to annotators."""
