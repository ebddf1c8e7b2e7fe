"""A review in the dataset: its items, the verdicts on them, and the changes of labels that follow."""
