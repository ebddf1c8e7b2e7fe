"""The parameters of the verbs that say what a selection is worth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..schema import BRAIN_RUN, EMBEDDINGS, LABELS, PREDICTIONS, SAMPLES, VALUE, Schema


class AnalyzeSelection(Schema):
    """Measures what a selection is worth: diversity, coverage and balance, beside random selections of the same size."""

    run_key: Annotated[str, SAMPLES] = Field(
        min_length=1, description="The selection to analyze, or any tag or saved view."
    )
    embeddings: Annotated[str | None, EMBEDDINGS] = Field(
        None,
        description="The vector field to measure in. Nothing given: that of the selection's config, else the only one that "
        "there is.",
    )
    brain_key: Annotated[str | None, BRAIN_RUN] = Field(
        None,
        description="The Brain run whose visualization the scatter shows; nothing given: the newest of these embeddings, and a "
        "PCA where there is none.",
    )
    objects: Annotated[str | None, PREDICTIONS] = Field(
        None, description="The label field whose objects hold vectors, which are analyzed too."
    )
    object_embeddings: str | None = Field(
        None,
        min_length=1,
        description="The attribute of these objects that holds their vectors; nothing given: the only one that there is.",
    )
    datapool: Annotated[str | None, SAMPLES] = Field(
        None,
        description="A tag, saved view or selection that counts as there already; nothing given: the preselected samples of "
        "the selection's config.",
    )
    label_fields: Annotated[list[str] | None, LABELS] = Field(
        None, description="The label fields whose classes are counted; nothing given: all."
    )
    fields: Annotated[list[str] | None, VALUE] = Field(
        None,
        description="The fields of numbers and categories that are compared; nothing given: the scores that Shortlist wrote, "
        "and what the selection's config reads.",
    )
    random_draws: int = Field(
        20, ge=2, le=1000, description="How many random selections of the same size to compare with."
    )
    regions: int = Field(10, ge=0, le=100, description="How many uncovered regions to name at most.")
    export_dir: str | None = Field(
        None,
        min_length=1,
        description="The folder to write report.json and report.pdf to; it is made where it is missing.",
    )
    overwrite: bool = Field(False, description="Whether reports of that folder are replaced.")
    seed: int = Field(51, ge=0, description="The seed of the random selections.")
