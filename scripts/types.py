"""Checks the types of the package. The checkout is the package, whatever its folder is called, so mypy is shown it by name."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("api", "core", "dataset", "operators", "panels", "report")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shortlist").symlink_to(ROOT, target_is_directory=True)
        rooms = [part for room in ROOMS for part in ("-p", f"shortlist.{room}")]
        command = [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            str(ROOT / "pyproject.toml"),
            "-m",
            "shortlist.cli",
            *rooms,
        ]
        return subprocess.run(command, cwd=folder, env={**os.environ, "MYPYPATH": folder}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
