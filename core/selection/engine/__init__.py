"""The engine: a greedy loop over the gains of any mixture of strategies, exact and lazy, within limits."""
