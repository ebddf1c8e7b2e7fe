"""Operators as the App and scripts meet them: by their names, through FiftyOne's registry."""

from __future__ import annotations

from datetime import date
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


@pytest.fixture
def form(operator, context):
    """The drawn form of an operator as the App gets it."""

    def drawn(name: str, dataset: Any, params: dict | None = None, **request: Any) -> dict:
        return operator(name).resolve_input(context(name, dataset, params, **request)).to_json()["type"]["properties"]

    return drawn


def filled(properties: dict) -> dict:
    """What the App sends when a person changes nothing: the defaults of the form."""
    values = {}
    for name, one in properties.items():
        if one["type"]["name"] == "Object":
            values[name] = filled(one["type"]["properties"])
        elif one.get("default") is not None:
            values[name] = one["default"]
    return values


def merged(first: Any, second: Any) -> Any:
    """Two forms' values, the second's where both have one."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second
    return {name: merged(first.get(name), second.get(name, first.get(name))) for name in {**first, **second}}


@pytest.fixture
def sent(form):
    """What the App sends in the end, after what a person chose has brought further fields with their defaults."""

    def settled(name: str, dataset: Any, chosen: dict | None = None) -> dict:
        values = chosen or {}
        while (more := merged(filled(form(name, dataset, values)), values)) != values:
            values = more
        return values

    return settled


@pytest.fixture(scope="session")
def full(make_lasting):
    """Samples with something for every strategy and constraint, under names of all kinds."""
    import fiftyone as fo
    import numpy as np

    chance = np.random.default_rng(3)

    def box(row: int, place: int) -> Any:
        return fo.Detection(
            label=["car", "bus"][(row + place) % 2],
            confidence=0.5,
            bounding_box=[0, 0, 1, 1],
            vector=chance.random(4).tolist(),
        )

    samples = [
        fo.Sample(
            f"/nowhere/{row:02d}.png",
            tags=["faces"] if row < 3 else [],
            clip=chance.random(4),
            dino=chance.random(3),
            predictions=fo.Classification(label="ab"[row % 2], confidence=0.7, probabilities=[0.7, 0.3]),
            boxes=fo.Detections(detections=[box(row, place) for place in range(row % 3)]),
            video_name=f"video {row % 4}",
            hour=row,
            day=date(2024, 1, 1 + row),
        )
        for row in range(12)
    ]
    dataset = make_lasting(samples, classes={"predictions": ["a", "b"]})
    dataset.add_dynamic_sample_fields()
    return dataset


@pytest.fixture
def no_configs():
    """Deletes the configs that a test saves."""
    yield
    from shortlist import delete_config, list_configs

    for one in list_configs():
        delete_config(one.name)


@pytest.fixture
def run(sent):
    """The parameters of the call that a form makes of what a person chose; the rest is as the form offers it."""

    def submitted(dataset: Any, chosen: dict | None = None) -> dict:
        from shortlist.operators import forms_select

        return forms_select.submitted_form(dataset, sent("select_samples", dataset, chosen))

    return submitted


@pytest.fixture
def composed():
    """What a person chose who composes strategies and constraints."""

    def chosen(*slots: str, rules: tuple = (), **parts: Any) -> dict[str, Any]:
        return {"start": "compose", "config_compose": {"strategies": list(slots), "constraints": list(rules), **parts}}

    return chosen
