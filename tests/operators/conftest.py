"""Operators as the App and scripts meet them: by their names, through FiftyOne's registry."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

PLUGIN = "@shortlist/curation"


@pytest.fixture
def operator():
    """An operator of ours."""
    return lambda name: foo.get_operator(f"{PLUGIN}/{name}")


@pytest.fixture
def context():
    """The context of a request that the App makes of a dataset."""

    def made(name: str, dataset: Any = None, params: dict | None = None, view: Any = None, **request: Any):
        uri = f"{PLUGIN}/{name}"
        request = {
            "operator_uri": uri,
            "dataset_name": dataset.name if dataset is not None else None,
            "view": view._serialize() if view is not None else [],
            "params": params or {},
            **request,
        }
        return ExecutionContext(request, executor=Executor(), operator_uri=uri)

    return made
