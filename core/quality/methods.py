"""Which methods score the quality of which labels; the first of a task is its default."""

from __future__ import annotations

from .classification import label_scores
from .confident_issues import Rule

#: by which a class label is an issue, where its method has no rule of its own
DEFAULT_RULE: Rule = "prune_by_noise_rate"

#: the scores of classes; what is learned from the dataset itself comes before what looks at each label alone
CLASS_SCORES = dict(sorted(label_scores().items(), key=lambda named: not named[1].fitted))

#: the methods of each task, see ``dataset.labels``
METHODS: dict[str, tuple[str, ...]] = {
    "single": tuple(CLASS_SCORES),
    "multilabel": tuple(CLASS_SCORES),
    "objects": ("default", "objectlab"),
    "segmentation": ("default", "worst_region", "softmin", "num_pixel_issues"),
}
