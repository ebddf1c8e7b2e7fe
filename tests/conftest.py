"""Settings that every test shares: a FiftyOne of its own, with the plugin loaded from this checkout."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples"))

# Before FiftyOne is imported: nothing of the user's is read or changed.
_home = Path(tempfile.mkdtemp(prefix="shortlist-tests-"))
_plugins = _home / "plugins"
_plugins.mkdir()
(_plugins / "shortlist").symlink_to(ROOT, target_is_directory=True)
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ.update(
    FIFTYONE_PLUGINS_DIR=str(_plugins),
    FIFTYONE_DATABASE_DIR=os.environ.get("SHORTLIST_TEST_DATABASE_DIR", str(_home / "database")),
    FIFTYONE_DATABASE_NAME=f"shortlist_tests_{_worker}",
    FIFTYONE_DATABASE_VALIDATION="false",
    FIFTYONE_DEFAULT_DATASET_DIR=str(_home / "datasets"),
    FIFTYONE_CONFIG_PATH=str(_home / "config.json"),
    FIFTYONE_APP_CONFIG_PATH=str(_home / "app_config.json"),
    FIFTYONE_DO_NOT_TRACK="true",
    FIFTYONE_SHOW_PROGRESS_BARS="false",
)
