"""Tools from npm's registry that only tests use: a lockfile here, what it names under .tools."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1] / ".tools"


def missing(installed: Path) -> str:
    """Tell why a tool cannot run here; empty when it can."""
    try:
        version = subprocess.check_output(["node", "--version"], text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "no node on the PATH"
    if int(version.lstrip("v").partition(".")[0]) < 20:
        return f"node {version.strip()} is older than 20"
    return "" if installed.exists() or shutil.which("npm") else "no npm on the PATH"


def install(lockfile: Path, installed: Path) -> None:
    """Install what a folder's lockfile names, once for this checkout; no script of it is run.

    Raises subprocess.CalledProcessError when npm's registry is out of reach.
    """
    if installed.exists():
        return
    installed.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=installed.parent, prefix="npm-") as name:
        for file in lockfile.glob("package*.json"):
            shutil.copy(file, name)
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(words, cwd=name, check=True, capture_output=True, timeout=200)
        try:
            Path(name).rename(installed)
        except OSError:  # another test process was faster
            if not installed.exists():
                raise
        Path(name).mkdir(exist_ok=True)
