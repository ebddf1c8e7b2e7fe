"""``python -m bench [name ...] [--size N] [--data FOLDER]``: runs benches, all by default."""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
from pathlib import Path

import bench

from .common import header


def main() -> None:
    """Runs the benches named on the command line."""
    names = [
        module.name
        for module in pkgutil.iter_modules(bench.__path__)
        if not module.name.startswith("_") and module.name != "common"
    ]
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Speed and quality beside other people's code."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of {', '.join(names)}; all by default")
    parser.add_argument("--size", type=int, help="how many samples, where a bench has a choice")
    parser.add_argument("--data", type=Path, help="a folder with real data, for the benches that measure on some")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(names))
    if unknown:
        parser.error(f"no bench named {', '.join(unknown)}; there are {', '.join(names)}")
    header()
    for name in given.names or names:
        run = importlib.import_module(f"bench.{name}").run
        takes_data = "data" in inspect.signature(run).parameters
        run(given.size, **({"data": given.data} if takes_data else {}))


if __name__ == "__main__":
    main()
