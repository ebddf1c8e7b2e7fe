"""The ways to install: a copy of the tracked files in a plugins directory, and the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = """
import fiftyone.operators as foo
errors = [error for error in foo.OperatorRegistry().list_errors() if "shortlist" in error]
assert not errors, errors
print(sorted(operator.uri for operator in foo.list_operators() if operator.uri.startswith("@shortlist/")))
"""


def tracked() -> list[Path]:
    """The files that a clone or a download has."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_a_copy_in_a_plugins_directory_is_loaded(tmp_path):
    plugin = tmp_path / "plugins" / "any name of a folder-1"
    for path in tracked():
        (plugin / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, plugin / path)
    environment = {**os.environ, "FIFTYONE_PLUGINS_DIR": str(plugin.parent)}
    listed = subprocess.run(
        [sys.executable, "-c", LIST],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    declared = yaml.safe_load((ROOT / "fiftyone.yml").read_text())
    # A panel is an operator too.
    names = declared["operators"] + declared["panels"]
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.strip().splitlines()[-1] == str(sorted(f"@shortlist/curation/{name}" for name in names))


def test_the_package_has_every_room():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = {path.parts[0] for path in tracked() if path.name == "__init__.py" and len(path.parts) > 1} - {
        "bench",
        "tests",
    }
    packages = {
        ".".join(["shortlist", *path.parent.parts])
        for path in tracked()
        if path.name == "__init__.py" and (len(path.parts) == 1 or path.parts[0] in rooms)
    }

    assert set(project["tool"]["setuptools"]["packages"]) == packages


def test_the_package_carries_what_the_plugin_needs():
    carried = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["shortlist"]

    assert "fiftyone.yml" in carried
    assert "assets/*" in carried


def test_nothing_names_a_path_of_this_machine_or_a_host():
    hosts = ("http://", "https://")
    for path in tracked():
        if path.suffix not in {".py", ".md", ".toml", ".yml", ".txt", ""} or path.name in {
            "LICENSE",
            "test_install.py",
        }:
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        assert str(ROOT) not in text, path
        named = [word for word in text.split() if any(host in word for host in hosts)]
        assert all("127.0.0.1" in word or "localhost" in word for word in named), (path, named)
