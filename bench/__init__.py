"""Speed and quality beside other people's code: ``python -m bench [name ...] [--size N]``.

A file of this package with a ``run(size)`` is a bench. Everything is made here from a seed and deleted afterwards.
"""

import os
import tempfile
from pathlib import Path

# Before NumPy and FiftyOne are imported. One BLAS thread, so that CPU seconds compare; a database of our own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
_home = Path(tempfile.gettempdir())
os.environ.update(
    FIFTYONE_DATABASE_DIR=os.environ.get("SHORTLIST_BENCH_DATABASE_DIR", str(_home / "benchdb")),
    FIFTYONE_DATABASE_NAME="bench",
    FIFTYONE_DATABASE_VALIDATION="false",
    FIFTYONE_DO_NOT_TRACK="true",
    FIFTYONE_SHOW_PROGRESS_BARS="false",
    FIFTYONE_CONFIG_PATH=str(_home / "benchdb-config.json"),
    FIFTYONE_APP_CONFIG_PATH=str(_home / "benchdb-app-config.json"),
)
