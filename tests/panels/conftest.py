"""A report to draw: small, with everything that a report can hold."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor
from scipy import sparse

from shortlist.core.analysis.distributions import distribution_of, numbers_of
from shortlist.core.analysis.embedding import analyze_embeddings
from shortlist.core.analysis.report import Analyzed, Report
from shortlist.core.analysis.sets import Sets
from shortlist.core.selection.values import Amounts
from shortlist.panels import page

#: what people call their classes
NAMES = ("1", "007", "<b>bold</b> & co", "a name that is far too long to stand beside an axis of a chart")


@pytest.fixture(scope="session")
def ids():
    """The sample ids of the report's rows."""
    return np.array([f"{row:024x}" for row in range(60)], "S24")


@pytest.fixture(scope="session")
def report_of(ids):
    """Makes a report of 60 samples: rows 0 to 9 selected (0 and 1 the same), rows 50 to 59 the datapool if wanted."""

    def made(datapool: bool = False, **changes: object) -> Report:
        chance = np.random.default_rng(3)
        vectors = chance.normal(size=(60, 4)).astype(np.float32)
        vectors[1] = vectors[0]
        rows = np.arange(60)
        sets = Sets.of(rows, rows[:10], rows[50:] if datapool else rows[:0], draws=4, seed=0)
        measured = analyze_embeddings(vectors, sets, ids=ids, source="clip", regions=3)
        classes = sparse.csr_array(np.eye(4)[np.minimum(rows % 7, 3)])
        report = Report(
            created="2026-01-01T00:00:00+00:00",
            by="nobody",
            dataset="d",
            versions={},
            parameters={},
            analyzed=Analyzed(name="round_1", kind="selection", config=None, datapool="old" if datapool else None),
            sizes={name: len(found) for name, found in sets.named().items()},
            random_draws=4,
            embeddings=[measured.analysis],
            distributions=[distribution_of(Amounts(NAMES, classes), sets, source="predictions", kind="classes")],
            numbers=[numbers_of(chance.random(60), sets, source="score")],
            notes=["a *note*"],
        )
        return report.model_copy(update=changes)

    return made


@pytest.fixture(scope="session")
def report(report_of):
    """A report without a datapool."""
    return report_of()


class PanelWindow:
    """A panel open in a browser: keeps its state, and gives what the App is told to do.

    Args:
        panel: the panel
        dataset: what is open
        tab: which of its tabs
    """

    def __init__(self, panel, dataset, tab):
        self.panel, self.dataset = panel, dataset
        self.panel.plugin_name = page.PLUGIN
        self.state: dict = {"tab": tab}
        self.shown: dict = {"view": [], "filters": {}, "extended": {}, "selected": []}
        self.page: dict = {}

    def tells(self, method, **params):
        """What the App is told after an event, by operator."""
        given = {**params, "__method__": method, "panel_id": "p", "panel_state": json.loads(json.dumps(self.state))}
        executor = Executor()
        request = {"dataset_name": self.dataset.name, "params": given, **self.shown}
        ctx = ExecutionContext(request_params=request, executor=executor)
        self.panel.execute(ctx)
        self.state = json.loads(json.dumps(ctx.panel_state))
        told = {one.operator_uri.split("/")[-1]: one.params for one in executor._requests}
        if "show_panel_output" in told:
            self.page = dict(elements(told["show_panel_output"]["output"]["type"]["properties"]))
        return told


def elements(properties, path=""):
    """What is drawn, by the path that the App gives it."""
    for name, one in properties.items():
        where = f"{path}.{name}".strip(".")
        yield where, one
        yield from elements(one["type"].get("properties") or {}, where)


@pytest.fixture
def open_panel():
    """Opens a panel in a browser window of its own."""

    def opened(panel, dataset, tab):
        window = PanelWindow(panel, dataset, tab)
        window.tells("on_load")
        return window

    return opened
