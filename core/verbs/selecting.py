"""The parameters of the verbs that select, explain and show."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..schema import COLOR, EMBEDDINGS, NEW_SELECTION, SELECTION, ZOO_MODEL, Schema
from ..selection.config import SelectionConfig


class SelectSamples(Schema):
    """Selects the samples to label or review next, and keeps them as a tag, a saved view and a recorded run."""

    run_key: Annotated[str, NEW_SELECTION] = Field(
        min_length=1, description="The name of the selection: of its tag, its saved view and its field."
    )
    config: SelectionConfig = Field(description="Which samples to pick, and why.")


class ManageSelections(Schema):
    """Lists, opens and deletes selections."""

    action: Literal["list", "load", "delete"] = Field(
        "list",
        description="List all selections, load one as the current view, or delete one: its tag, saved view, field and "
        "record, nothing else.",
    )
    run_key: Annotated[str | None, SELECTION] = Field(None, description="The selection to load or delete.")

    @model_validator(mode="after")
    def _key_where_needed(self) -> ManageSelections:
        if self.action != "list" and not self.run_key:
            raise ValueError(f"run_key must be given to {self.action} a selection.")
        return self


class ExplainSelection(Schema):
    """Says why samples were picked in a selection, or why not."""

    run_key: Annotated[str, SELECTION] = Field(min_length=1, description="The selection.")


class VisualizeEmbeddings(Schema):
    """Computes a Brain visualization of embeddings, and a similarity index if asked, and opens the Embeddings panel."""

    embeddings: Annotated[str | None, EMBEDDINGS] = Field(
        None, description="The vector field. Nothing given: the only one, or the model's if a model is given."
    )
    model: Annotated[str | None, ZOO_MODEL] = Field(
        None, description="A model of the FiftyOne zoo to compute embeddings with; they are stored in the field above."
    )
    method: Literal["auto", "umap", "tsne", "pca"] = Field(
        "auto", description="The projection; auto is UMAP where umap-learn is installed and PCA elsewhere."
    )
    brain_key: str = Field("shortlist_map", min_length=1, description="The Brain key of the visualization.")
    similarity_key: str | None = Field(
        None, min_length=1, description="If given, a similarity index is computed too, under this Brain key."
    )
    color_by: Annotated[str | None, COLOR] = Field(
        None, description="The field to colour the panel by, such as a selection's decided_by or a score."
    )
    seed: int = Field(51, ge=0, description="The seed of the projection.")
