"""What may be measured on a test set."""

from __future__ import annotations

from typing import Literal

Metric = Literal["accuracy", "balanced_accuracy", "macro_f1", "mean_average_precision"]

#: what the metrics are called
WORDS: dict[Metric, str] = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mean_average_precision": "mean average precision",
}
