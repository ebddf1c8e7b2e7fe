"""The demo's dataset: scikit-learn's handwritten digits as image files, a real classifier, some label noise.

A third of the images are labelled (tag ``labeled``), with label errors of the kind that people make: an ambiguous digit
gets the class that it is most easily taken for. A small network is trained on them. Its predictions are out of sample
for every image (cross-validated where it was trained), its hidden layer is the embedding, and the rest of the images is the
pool to label next.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAME = "shortlist-digits"
CLASSES = [str(digit) for digit in range(10)]
_LABELED = 600
_NOISE = 0.05


def load(name: str = NAME, folder: Path | None = None) -> fo.Dataset:
    """Loads the dataset, building it first where it does not exist.

    Args:
        name: of the dataset
        folder: for the image files; FiftyOne's default dataset directory by default
    """
    if fo.dataset_exists(name):
        return fo.load_dataset(name)
    folder = folder or Path(fo.config.default_dataset_dir) / name
    images, digits = load_digits(return_X_y=True)
    labeled = np.zeros(len(digits), bool)
    labeled[np.random.default_rng(0).permutation(len(digits))[:_LABELED]] = True
    probabilities, embeddings = _predicted(images, digits, labeled)
    given = _with_errors(digits, probabilities, labeled)
    paths = _saved(images, folder)
    dataset = fo.Dataset(name)
    dataset.default_classes = CLASSES
    samples = []
    for row, path in enumerate(paths):
        sample = fo.Sample(path, tags=["labeled" if labeled[row] else "unlabeled"])
        best = int(probabilities[row].argmax())
        sample["predictions"] = fo.Classification(
            label=CLASSES[best],
            confidence=float(probabilities[row, best]),
            probabilities=probabilities[row].tolist(),
        )
        sample["embedding"] = embeddings[row]
        sample["true_label"] = CLASSES[digits[row]]
        if labeled[row]:
            sample["ground_truth"] = fo.Classification(label=CLASSES[given[row]])
        samples.append(sample)
    dataset.add_samples(samples, progress=False)
    dataset.persistent = True
    return dataset


def _predicted(
    images: NDArray, digits: NDArray, labeled: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Out-of-sample class probabilities and hidden-layer embeddings of all images."""
    model = make_pipeline(StandardScaler(), MLPClassifier((32,), alpha=1.0, max_iter=2000, random_state=0))
    probabilities = np.empty((len(images), len(CLASSES)))
    probabilities[labeled] = cross_val_predict(model, images[labeled], digits[labeled], cv=5, method="predict_proba")
    model.fit(images[labeled], digits[labeled])
    probabilities[~labeled] = model.predict_proba(images[~labeled])
    scaler, network = model[0], model[1]
    hidden = np.maximum(scaler.transform(images) @ network.coefs_[0] + network.intercepts_[0], 0)
    return probabilities, hidden.astype(np.float32)


def _with_errors(digits: NDArray, probabilities: NDArray, labeled: NDArray[np.bool_]) -> NDArray:
    """Labels in which the most ambiguous of the labelled images have the class they are most easily taken for."""
    others = probabilities.copy()
    others[np.arange(len(digits)), digits] = 0
    chance = np.where(labeled, others.max(axis=1) ** 0.5, 0)
    wrong = np.random.default_rng(1).choice(
        len(digits), size=round(_NOISE * labeled.sum()), replace=False, p=chance / chance.sum()
    )
    given = digits.copy()
    given[wrong] = others[wrong].argmax(axis=1)
    return given


def _saved(images: NDArray, folder: Path) -> list[str]:
    """Writes the images as files, enlarged so that people can see them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for row, pixels in enumerate(images):
        image = np.uint8(255 - pixels.reshape(8, 8) * 255 / 16)
        path = folder / f"{row:04d}.png"
        cv2.imwrite(str(path), cv2.resize(image, (96, 96), interpolation=cv2.INTER_CUBIC))
        paths.append(str(path))
    return paths
