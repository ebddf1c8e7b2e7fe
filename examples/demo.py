"""The whole path in one command: score, select, find label errors, start their review, see.

python examples/demo.py                       handwritten digits, which need no download
python examples/demo.py --dataset quickstart  COCO detections of the FiftyOne zoo, where it can be reached
python examples/demo.py --dataset NAME        any dataset of yours with predictions
python examples/demo.py --no-app              for a terminal
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    options = _options()
    started = time.monotonic()
    _load_plugin_from(ROOT)
    import fiftyone as fo

    dataset = _dataset(options.dataset)
    print(f"Dataset {dataset.name!r}: {len(dataset)} samples ({time.monotonic() - started:.0f} s)\n")
    result = run(dataset, options.n_samples)
    print(f"\nDone in {time.monotonic() - started:.0f} s.")
    if options.app:
        session = fo.launch_app(view=result.view, port=options.port)
        print(
            "In the App: the backquote key (`) for the operators, + beside Samples for the panels. Ctrl+C ends the demo."
        )
        session.wait(-1)


def run(dataset, n_samples: int):
    """Scores the predictions, selects samples, maps the embeddings, looks for wrong labels; prints what was done.

    Args:
        dataset: with a prediction field
        n_samples: how many to select

    Returns:
        the selection
    """
    import shortlist
    from shortlist.core.schema import EMBEDDINGS, PREDICTIONS
    from shortlist.dataset.sources import choices

    fields = choices(PREDICTIONS, dataset)
    if not fields:
        sys.exit(f"{PREDICTIONS.lacking}")
    label_field = fields[0]
    print(shortlist.score_uncertainty(dataset, label_field), "\n")
    embeddings = next(iter(choices(EMBEDDINGS, dataset)), None) or _small_images(dataset)
    pool, config = _config(dataset, label_field, embeddings, n_samples)
    run_key = _new_key(dataset)
    result = shortlist.select_samples(pool, config, run_key)
    print(result, "\n")
    color_by = f"{run_key}.decided_by"
    print(shortlist.visualize_embeddings(dataset, embeddings, method="pca", color_by=color_by), "\n")
    _start_review(dataset)
    return result


def _start_review(dataset) -> None:
    """Looks for wrong labels where there are labels that nobody looked at yet, and starts a review of what is found."""
    import shortlist
    from shortlist.core.schema import NEW_REVIEW
    from shortlist.dataset.sources import choices

    steps = shortlist.overview(dataset).steps
    wanted = next((step.params for step in steps if step.operator == "score_label_quality"), None)
    if wanted is None:
        return
    found = shortlist.score_label_quality(dataset, **wanted)
    print(found, "\n")
    if len(found.issues):
        print(shortlist.start_review(dataset, choices(NEW_REVIEW, dataset)[0], wanted["label_field"], budget=100))


def _new_key(dataset) -> str:
    """The next free round_1, round_2, ..."""
    from shortlist.core.schema import NEW_SELECTION
    from shortlist.dataset.sources import choices

    return choices(NEW_SELECTION, dataset)[0]


def _config(dataset, label_field: str, embeddings: str, n_samples: int) -> tuple:
    """The pool and the config: cover the pool, and first of all what the model is unsure about."""
    unsure = {"type": "SCORES", "task": label_field, "score": "uncertainty_margin"}
    covering = {
        "input": {"type": "EMBEDDINGS", "field": embeddings},
        "strategy": {"type": "COVERAGE", "weight": unsure},
    }
    config = {"n_samples": min(n_samples, len(dataset) // 2), "strategies": [covering]}
    tags = dataset.distinct("tags")
    if {"labeled", "unlabeled"} <= set(tags):
        return dataset.match_tags("unlabeled"), {**config, "preselected": "labeled"}
    return dataset, config


def _small_images(dataset) -> str:
    """Embeddings without a model: colour thumbnails, reduced by PCA. Crude, but there without a download."""
    import cv2
    import numpy as np
    from sklearn.decomposition import PCA

    def thumbnail(path: str):
        image = cv2.imread(path, cv2.IMREAD_REDUCED_COLOR_2)
        return (
            np.zeros(768) if image is None else cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).ravel() / 255
        )

    pixels = np.stack([thumbnail(path) for path in dataset.values("filepath")])
    vectors = PCA(min(32, *pixels.shape), random_state=0).fit_transform(pixels).astype(np.float32)
    dataset.set_values("thumbnail_embedding", list(vectors))
    return "thumbnail_embedding"


def _dataset(name: str):
    """The demo's own dataset, one of the zoo, or one of the user's."""
    import fiftyone as fo
    import fiftyone.zoo as foz

    if name == "digits":
        import digits

        return digits.load()
    if fo.dataset_exists(name):
        return fo.load_dataset(name)
    if name in foz.list_zoo_datasets():
        try:
            return foz.load_zoo_dataset(name)
        except Exception as error:
            sys.exit(f"{name!r} could not be loaded from the FiftyOne zoo: {error}")
    known = ", ".join(["digits", "quickstart", *fo.list_datasets()])
    sys.exit(
        f"--dataset must be a dataset that exists, or one of the FiftyOne zoo. Got {name!r} instead. There are: {known}"
    )


def _load_plugin_from(root: Path) -> None:
    """Lets FiftyOne find this checkout as a plugin, without touching the user's plugins directory."""
    if "FIFTYONE_PLUGINS_DIR" not in os.environ:
        plugins = Path(tempfile.mkdtemp(prefix="shortlist-plugins-"))
        (plugins / "shortlist").symlink_to(root, target_is_directory=True)
        os.environ["FIFTYONE_PLUGINS_DIR"] = str(plugins)
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    os.environ.setdefault("FIFTYONE_ALLOW_LEGACY_ORCHESTRATORS", "true")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="digits", help="digits, quickstart, or the name of a dataset")
    parser.add_argument("--n-samples", type=int, default=50, help="how many samples to select")
    parser.add_argument("--port", type=int, default=5151, help="the App's port")
    parser.add_argument("--no-app", dest="app", action="store_false", help="do not open the App")
    return parser.parse_args()


if __name__ == "__main__":
    main()
