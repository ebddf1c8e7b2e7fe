"""A review in plain values: what is looked at and by whom, what was decided, and what the decisions tell."""
