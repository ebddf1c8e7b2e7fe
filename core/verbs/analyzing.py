"""The parameters of the verbs that say what a selection is worth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..schema import EMBEDDINGS, LABELS, PREDICTIONS, SAMPLES, VALUE, VISUALIZATION, Schema, When


class AnalyzeSelection(Schema):
    """Measures what a selection is worth: diversity, coverage and balance, beside random selections of the same size."""

    run_key: Annotated[str, SAMPLES] = Field(
        min_length=1, title="Selection", description="The selection to analyze, or any tag or saved view."
    )
    embeddings: Annotated[str | None, EMBEDDINGS] = Field(
        None,
        min_length=1,
        description="The vector field to measure in, or the Brain run that stores the vectors. Nothing given: that of the "
        "selection's config, else the only one that there is.",
    )
    brain_key: Annotated[str | None, VISUALIZATION] = Field(
        None,
        description="The Brain run whose visualization the scatter shows; nothing given: the newest of these embeddings, and a "
        "PCA where there is none.",
    )
    objects: Annotated[str | None, PREDICTIONS] = Field(
        None,
        description="The label field whose objects hold vectors, which are analyzed too; nothing given: that of the "
        "selection's config, if it has one.",
    )
    object_embeddings: Annotated[str | None, When("objects", given=True)] = Field(
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
        40,
        ge=2,
        le=1000,
        description="How many random selections of the same size to compare with; with fewer than 39 of them more selections "
        "than one in twenty look better or worse than chance by luck.",
    )
    regions: int = Field(10, ge=0, le=100, description="How many uncovered regions to name at most.")
    export_dir: str | None = Field(
        None,
        min_length=1,
        title="Folder for the report",
        description="The folder to write report.json and report.pdf to; it is made where it is missing.",
    )
    overwrite: Annotated[bool, When("export_dir", given=True)] = Field(
        False, description="Whether reports of that folder are replaced."
    )
    seed: int = Field(51, ge=0, lt=2**32, description="The seed of the random selections.")

    @model_validator(mode="after")
    def _objects_have_the_vectors(self) -> AnalyzeSelection:
        if self.object_embeddings is not None and self.objects is None:
            raise ValueError("objects must be given with object_embeddings: the label field that holds the objects.")
        return self
