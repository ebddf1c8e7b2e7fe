"""The strategies that are replayed by name: what `docs/selection.md` recommends, and what people try first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Name = Literal[
    "COVERAGE",
    "COVERAGE_BY_MARGIN",
    "COVERAGE_BY_MARGIN_AND_RARITY",
    "DIVERSITY",
    "MARGIN",
    "ENTROPY",
    "KMEANS_BY_MARGIN",
    "CLUSTER_MARGIN",
    "TYPICLUST",
    "BADGE",
]


@dataclass(frozen=True)
class Named:
    """A strategy by name.

    Args:
        label: what people read
        kind: the strategy's type
        own: its inputs besides the embeddings, by parameter name: a score, or what predictions are read as
        alone: whether it takes no embeddings but the score named in ``own["input"]``
        of_one_class: whether it needs labels of one class a sample
        first: whether it is replayed where nothing is chosen
    """

    label: str
    kind: str
    own: Mapping[str, str]
    alone: bool = False
    of_one_class: bool = False
    first: bool = False

    def config(self, embeddings: Mapping[str, Any], task: str | None) -> Json:
        """The selection config, without a number of samples.

        Args:
            embeddings: the EMBEDDINGS input
            task: the label field with the predictions
        """
        inputs = {name: _input(what, task) for name, what in self.own.items()}
        source = inputs.pop("input") if self.alone else dict(embeddings)
        return {"strategies": [{"input": source, "strategy": {"type": self.kind, **inputs}}]}


def _input(what: str, task: str | None) -> Json:
    if what.startswith("uncertainty_"):
        return {"type": "SCORES", "task": task, "score": what}
    return {"type": "PREDICTIONS", "task": task, "name": what}


_MARGIN = {"weight": "uncertainty_margin"}
NAMED: dict[Name, Named] = {
    "COVERAGE": Named("COVERAGE", "COVERAGE", {}, first=True),
    "COVERAGE_BY_MARGIN": Named("COVERAGE weighted by margin", "COVERAGE", _MARGIN, first=True),
    "COVERAGE_BY_MARGIN_AND_RARITY": Named(
        "COVERAGE weighted by margin and rarity", "COVERAGE", {**_MARGIN, "class_weight": "CLASS_DISTRIBUTION"}
    ),
    "DIVERSITY": Named("DIVERSITY", "DIVERSITY", {}, first=True),
    "MARGIN": Named("margin alone", "WEIGHTS", {"input": "uncertainty_margin"}, alone=True, first=True),
    "ENTROPY": Named("entropy alone", "WEIGHTS", {"input": "uncertainty_entropy"}, alone=True),
    "KMEANS_BY_MARGIN": Named("KMEANS weighted by margin", "KMEANS", _MARGIN),
    "CLUSTER_MARGIN": Named("CLUSTER_MARGIN", "CLUSTER_MARGIN", _MARGIN),
    "TYPICLUST": Named("TYPICLUST", "TYPICLUST", {}),
    "BADGE": Named("BADGE", "BADGE", {"probabilities": "PROBABILITIES"}, of_one_class=True, first=True),
}


def first_names(one_class: bool) -> list[Name]:
    """The names that are replayed where nothing is chosen; where BADGE cannot be, KMEANS weighted by margin is.

    Args:
        one_class: whether labels are of one class a sample
    """
    found = [name for name, one in NAMED.items() if one.first and (one_class or not one.of_one_class)]
    return found if one_class else [*found, "KMEANS_BY_MARGIN"]
