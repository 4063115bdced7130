"""Debian roots: what debootstrap makes stands for the base image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from trials.image.dockerfile import NotUnderstood

BASES = {"debian:bookworm-slim": "bookworm"}
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# As the official image has it: debootstrap alone would leave security fixes out.
SOURCES = f"""Types: deb
URIs: {MIRROR}
Suites: SUITE SUITE-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: {MIRROR}-security
Suites: SUITE-security
Components: main
Signed-By: {KEYRING}
"""


def make_base(base: str, folder: Path) -> None:
    """Make the root that stands for a base image; raises NotUnderstood for an unknown one."""
    if base not in BASES:
        known = ", ".join(BASES)
        raise NotUnderstood(f"no root can be made for {base}: this executor knows {known}")
    suite = BASES[base]
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", suite, str(folder), MIRROR],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotUnderstood(f"debootstrap failed:\n{(done.stdout + done.stderr)[-2000:]}")
    (folder / "etc/apt/sources.list").unlink(missing_ok=True)
    listed = folder / "etc/apt/sources.list.d/debian.sources"
    listed.write_text(SOURCES.replace("SUITE", suite), encoding="utf-8")
    for name in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name / "partial").mkdir(parents=True)


def copy_root(source: Path, target: Path) -> None:
    """Copy a root with owners, devices and links."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)


def sizes(root: Path) -> dict[str, float]:
    """Measure a root's folders in MB, the largest first."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.is_symlink()]
    folders += [root / "usr/lib", root / "usr/share", root / "app/.venv"]
    found = {f"/{path.relative_to(root)}": _megabytes(path) for path in folders if path.exists()}
    largest = sorted(found.items(), key=lambda entry: -entry[1])
    return {"all": _megabytes(root), **{name: size for name, size in largest if size >= 1}}


def _megabytes(folder: Path) -> float:
    command = ["du", "-sx", "--block-size=100K", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0]) / 10
