"""Reports to write: of drawn points, with every part that there is, or without some."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from pypdfium2 import raw
from scipy.spatial import cKDTree

from shortlist.core.analysis.report import (
    Analyzed,
    Distances,
    Distribution,
    EmbeddingAnalysis,
    Interval,
    NearDuplicates,
    Numbers,
    RandomShares,
    RandomSpread,
    Region,
    Report,
    Scatter,
    Shares,
    Spread,
)
from shortlist.core.analysis.sets import Sets
from shortlist.report.pdf import write_pdf

CONFIG = {
    "n_samples": 40,
    "strategies": [{"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "COVERAGE"}}],
}


def interval(draws: Sequence[float]) -> Interval:
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(mean=float(np.mean(draws)), low=float(low), high=float(high), draws=[float(one) for one in draws])


_KEYS = {
    "mean": np.mean,
    "std": np.std,
    "min": np.min,
    "median": np.median,
    "p95": lambda values: np.percentile(values, 95),
    "max": np.max,
}


def spread(values: np.ndarray, edges: np.ndarray) -> Spread:
    facts = {key: float(made(values)) if len(values) else None for key, made in _KEYS.items()}
    return Spread(count=len(values), histogram=np.histogram(values, edges)[0].tolist(), **facts)


def random_spread(draws: Sequence[np.ndarray], edges: np.ndarray) -> RandomSpread:
    spreads = [spread(values, edges) for values in draws]
    facts = {key: interval([getattr(one, key) for one in spreads]) for key in _KEYS}
    histogram = np.mean([one.histogram for one in spreads], axis=0).tolist()
    return RandomSpread(count=len(draws[0]), histogram=histogram, **facts)


def distances(of_set, sets: Sets) -> Distances:
    values = {name: of_set(rows) if len(rows) else np.zeros(0) for name, rows in sets.named().items()}
    drawn = {name: [of_set(rows) for rows in draws] for name, draws in sets.drawn().items() if len(sets.selected)}
    everything = np.concatenate([*values.values(), *(one for draws in drawn.values() for one in draws)])
    edges = np.linspace(everything.min(), everything.max(), 31)
    return Distances(
        edges=edges.tolist(),
        sets={name: spread(one, edges) for name, one in values.items()},
        random={name: random_spread(one, edges) for name, one in drawn.items()},
    )


def embedding(points: np.ndarray, sets: Sets, ids: list[str], level: str = "samples") -> EmbeddingAnalysis:
    def diversity(rows):
        return cKDTree(points[rows]).query(points[rows], 2)[0][:, 1]

    def coverage(rows):
        return cKDTree(points[rows]).query(points[sets.input])[0]

    there = np.concatenate([sets.datapool, sets.selected])
    far = sets.input[np.argsort(-cKDTree(points[there]).query(points[sets.input])[0])] if len(there) else sets.input
    regions = [
        Region(
            sample_id=ids[row],
            n_items=30 - 2 * place,
            mean_distance=0.9 - 0.05 * place,
            max_distance=1.5,
            gain=0.05 / (1 + place),
        )
        for place, row in enumerate(far[::7][:10])
    ]
    groups = [[ids[row] for row in sets.selected[at : at + 3]] for at in range(0, min(len(sets.selected), 12), 3)]
    where = np.isin(np.arange(len(points)), sets.selected).astype(int) + 2 * np.isin(
        np.arange(len(points)), sets.datapool
    )
    return EmbeddingAnalysis(
        level=level,
        source="clip" if level == "samples" else "ground_truth.vector",
        dimensions=points.shape[1],
        sizes={name: len(rows) for name, rows in sets.named().items()},
        left_out=3,
        typical_distance=2.25,
        diversity=distances(diversity, sets),
        coverage=distances(coverage, sets),
        measured_on=len(sets.input),
        near_duplicates=NearDuplicates(
            threshold=0.05,
            n_pairs=3 * len(groups),
            n_items=sum(map(len, groups)),
            n_groups=len(groups),
            groups=groups,
        ),
        regions=regions,
        scatter=Scatter(
            method="umap",
            brain_key="clip_viz",
            n_items=len(points),
            ids=ids,
            x=points[:, 0].tolist(),
            y=points[:, 1].tolist(),
            sets=[("input", "selected", "datapool")[one] for one in where],
        ),
    )


def shares(counts: np.ndarray, given: np.ndarray, target: np.ndarray | None) -> Shares:
    total = counts.sum()
    if not total:
        keys = ("entropy", "effective", "imbalance", "distance_to_input", "distance_to_uniform", "distance_to_target")
        nothing = dict.fromkeys(keys)
        return Shares(total=0, counts=counts.tolist(), present=0, **nothing)
    part = counts / total
    entropy = -(part[part > 0] * np.log(part[part > 0])).sum()
    return Shares(
        total=float(total),
        counts=counts.tolist(),
        present=int((counts > 0).sum()),
        entropy=float(entropy / np.log(len(counts))),
        effective=float(np.exp(entropy)),
        imbalance=float(counts.max() / counts.min()) if counts.min() > 0 else None,
        distance_to_input=float(np.abs(part - given / given.sum()).sum() / 2),
        distance_to_uniform=float(np.abs(part - 1 / len(part)).sum() / 2),
        distance_to_target=None if target is None else float(np.abs(part - target).sum() / 2),
    )


def distribution(
    amounts: np.ndarray, sets: Sets, names: list[str], source: str, kind: str = "classes", target=None
) -> Distribution:
    def of_rows(rows):
        return amounts[rows].sum(axis=0).astype(float)

    order = np.argsort(-of_rows(sets.input), kind="stable")
    amounts, names = amounts[:, order], [names[row] for row in order]
    target = None if target is None else np.asarray(target)[order]
    given = of_rows(sets.input)
    drawn = [shares(of_rows(rows), given, target) for rows in sets.random if len(rows)]
    part = np.array([np.array(one.counts) / one.total for one in drawn])
    random = None
    if drawn:
        keys = ("present", "entropy", "distance_to_input", "distance_to_uniform")
        random = RandomShares(
            shares=[interval(one) for one in part.T],
            **{key: interval([getattr(one, key) for one in drawn]) for key in keys},
        )
    return Distribution(
        source=source,
        kind=kind,
        categories=names,
        target=None if target is None else target.tolist(),
        sets={name: shares(of_rows(rows), given, target) for name, rows in sets.named().items()},
        random=random,
        left_out=2,
    )


def numbers(values: np.ndarray, sets: Sets, source: str) -> Numbers:
    edges = np.linspace(values.min(), values.max(), 31)
    drawn = [values[rows] for rows in sets.random if len(rows)]
    return Numbers(
        source=source,
        edges=edges.tolist(),
        sets={name: spread(values[rows], edges) for name, rows in sets.named().items()},
        random=random_spread(drawn, edges) if drawn else None,
        left_out=0,
    )


def made(
    n: int = 400,
    selected: int = 40,
    datapool: int = 0,
    *,
    embeddings: int = 1,
    classes: Sequence[str] | None = ("car", "person", "bicycle", "bus", "traffic light"),
    target: Sequence[float] | None = None,
    scores: Sequence[str] = ("predictions_uncertainty_entropy", "brightness"),
    **given: Any,
) -> Report:
    """A report of points in three clusters, of which the selection is a grid's pick and therefore better than chance."""
    chance = np.random.default_rng(3)
    points = np.concatenate([chance.normal(at, 1, (len(part), 2)) for at, part in zip(
        [(0, 0), (6, 1), (2, 7)], np.array_split(np.arange(n), 3), strict=True)])  # fmt: skip
    ids = [f"{row:024x}" for row in range(n)]
    spots = np.stack(np.meshgrid(np.linspace(-3, 9, 30), np.linspace(-3, 10, 30)), -1).reshape(-1, 2)
    picks = np.unique(cKDTree(points).query(spots)[1])
    rows = chance.permutation(picks)[:selected]
    pool = np.setdiff1d(np.arange(n), rows)[:datapool]
    sets = Sets.of(np.arange(n), rows, pool, 20, 51)
    found = [embedding(points, sets, ids, "samples" if not place else "objects") for place in range(embeddings)]
    shown = []
    if classes is not None:
        frequent = 1 / (1 + np.arange(len(classes)))
        amounts = chance.poisson(np.tile(3 * frequent, (n, 1)))
        shown.append(distribution(amounts, sets, list(classes), "ground_truth", target=target))
        weather = np.eye(3)[chance.choice(3, n, p=[0.6, 0.3, 0.1])]
        shown.append(distribution(weather, sets, ["sun", "rain", "snow"], "weather", "categories"))
    facts: dict[str, Any] = {
        "created": "2024-05-06T07:08:09+00:00",
        "by": "ada",
        "dataset": "streets",
        "versions": {"shortlist": "0.1.0", "fiftyone": "1.22.1", "numpy": "2.4.6"},
        "parameters": {"run_key": "round_1", "embeddings": "clip", "random_draws": 20, "seed": 51, "regions": 10},
        "analyzed": Analyzed(
            name="round_1", kind="selection", config=CONFIG, datapool="labelled" if datapool else None
        ),
        "sizes": {name: len(chosen) for name, chosen in sets.named().items()},
        "random_draws": 20,
        "embeddings": found,
        "distributions": shown,
        "numbers": [numbers(chance.gamma(2, 1, n), sets, source) for source in scores],
        "notes": ["3 samples without a vector in clip are in no set of its analysis."],
    }
    return Report(**{**facts, **given})


class Pages:
    """A PDF, opened."""

    def __init__(self, report, path: Path, thumbnails=None):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write_pdf(report, path, thumbnails or {})
        document = pypdfium2.PdfDocument(path)
        self.texts = [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]
        self.sizes = [page.get_size() for page in document]
        self.metadata = document.get_metadata_dict()
        self.path = path
        self.images = [len(list(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]))) for page in document]
        document.close()

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """Of each page (h, w) grey, one pixel a point."""
        document = pypdfium2.PdfDocument(self.path)
        try:
            return [page.render(scale=1, grayscale=True).to_numpy().squeeze() for page in document]
        finally:
            document.close()

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def words(self) -> str:
        """The text in one line, however it was wrapped."""
        return " ".join(self.text.split())


@pytest.fixture(scope="session")
def opened():
    """Writes reports and opens their pages; see ``Pages``."""
    return Pages


@pytest.fixture(scope="session")
def report_of():
    """Makes reports; see ``made``."""
    return made


@pytest.fixture(scope="session")
def report():
    """A report with all parts: datapool, objects, a target, scores."""
    return made(datapool=60, embeddings=2, target=[0.2] * 5)
