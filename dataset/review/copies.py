"""Copies of label fields that get the changes of a review, so that the labels themselves stay."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.odm as foo
from fiftyone.core.sample import Sample

from ...core.errors import must_be
from ..names import is_kept
from ..results import changing, mark_of
from .kept import Record, record_of, review_keys

VERB = "apply_review"
_MARK = "shortlist"


def refuse_taken(dataset: fo.Dataset, label_field: str, output_field: str, record: Record) -> None:
    """Stops before a name that cannot be used, or a field that is not this review's copy.

    Raises:
        ShortlistError: what is in the way, and the way out
    """
    if "." in output_field:
        raise must_be("output_field", "a field name without dots", output_field, "Choose another name.")
    if is_kept(dataset, output_field):
        says = "another name than FiftyOne keeps for itself"
        raise must_be("output_field", says, output_field, "Choose another name.")
    try:
        foo.validate_field_name(output_field)
    except ValueError:
        says = "a field name that does not begin with '_' and has no '$'"
        raise must_be("output_field", says, output_field, "Choose another name.") from None
    if "." in label_field:
        says = f"left out: {label_field!r} is inside a document, of which there can be no copy"
        raise must_be("output_field", says, output_field)
    if dataset.get_field(output_field) is None:
        if dataset._sample_collection.find_one({output_field: {"$exists": True}}, {"_id": True}):
            hint = "There are values of that name that the dataset does not declare. Choose another name."
            raise must_be("output_field", "new", output_field, hint)
        return
    if not _is_copy(dataset, output_field, record, label_field):
        raise must_be("output_field", "new", output_field, "There is a field of that name. Choose another name.")


def make(dataset: fo.Dataset, label_field: str, output_field: str, record: Record) -> bool:
    """Makes a copy of a label field, if it is not there yet; half a copy that an interrupted run left is made anew.

    Args:
        dataset: where it lives
        label_field: what is copied
        output_field: the copy, checked by ``refuse_taken``
        record: the review that it is for

    Returns:
        whether it was made now
    """
    mark = mark_of(dataset, output_field)
    if mark is not None and mark.get("status") == "complete":
        return False
    with changing(dataset):
        if mark is not None:
            _delete(dataset, output_field)
        # It is declared with its mark before it holds anything, so that half a copy is known for one.
        declared = foo.get_field_kwargs(dataset.get_field(label_field))
        info = {"verb": VERB, "run_key": record.run_key, "review_id": record.review_id, "label_field": label_field}
        about = f"A copy of {label_field} with what was decided in the review {record.run_key}."
        del declared["db_field"], declared["created_at"]
        declared |= {"description": about, "info": {_MARK: {**info, "status": "writing"}}, "read_only": False}
        dataset.add_sample_field(output_field, **declared)
        for held in (dataset.classes, dataset.mask_targets):
            if label_field in held:
                held[output_field] = held[label_field]
        dataset.save()
    update = {"$set": {output_field: f"${label_field}", "last_modified_at": "$$NOW"}}
    dataset._sample_collection.update_many({label_field: {"$exists": True}}, [update])
    Sample._reload_docs(dataset._sample_collection_name)
    with changing(dataset):
        field = dataset.get_field(output_field)
        field.info = {_MARK: {**info, "status": "complete"}}
        field.save()
    return True


def copies_of(dataset: fo.Dataset, run_key: str) -> list[str]:
    """The copies that were made for a review; those for a deleted one of the same name are the user's own by now."""
    if run_key not in review_keys(dataset):
        return []
    record = record_of(dataset, run_key)
    return [path for path in dataset.get_field_schema() if _is_copy(dataset, path, record)]


def delete(dataset: fo.Dataset, path: str) -> None:
    """Deletes a copy."""
    with changing(dataset):
        _delete(dataset, path)


def _delete(dataset: fo.Dataset, path: str) -> None:
    for held in (dataset.classes, dataset.mask_targets):
        held.pop(path, None)
    dataset.save()
    dataset.delete_sample_field(path)


def _is_copy(dataset: fo.Dataset, path: str, record: Record, label_field: str | None = None) -> bool:
    """Whether a field is a copy that was made for a review, of any field or of the one given."""
    mark = mark_of(dataset, path) or {}
    is_of = label_field is None or mark.get("label_field") == label_field
    is_for = mark.get("run_key") == record.run_key and mark.get("review_id") == record.review_id
    return mark.get("verb") == VERB and is_for and is_of
