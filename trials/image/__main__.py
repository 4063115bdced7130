"""Carry out the Dockerfile without an engine, start what comes of it, and say what was not run.

Usage: python -m trials.image [--json] [--keep FOLDER]; exit 1 when a check failed, 2 when the
build did. Needs root and debootstrap, about 5 GB in the temporary folder and 6 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from trials.image.as_lambda import check_lambda
from trials.image.as_worker import check_worker
from trials.image.building import Builder, Built
from trials.image.contents import check_contents
from trials.image.dockerfile import NotUnderstood, read_dockerfile
from trials.image.telling import Report

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("debootstrap", "unshare", "nsenter", "chroot")


def main(arguments: list[str] | None = None) -> int:
    """Build, check, tell, and remove the roots."""
    parser = argparse.ArgumentParser(prog="python -m trials.image", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--keep", type=Path, help="keep the roots and logs in this folder")
    given = parser.parse_args(arguments)
    report = Report()
    place = (given.keep or Path(tempfile.mkdtemp(prefix="naverplace-image-"))).resolve()
    place.mkdir(parents=True, exist_ok=True)
    started = monotonic()
    try:
        check_machine()
        _all(place, report)
    except NotUnderstood as error:
        report.say(f"the image cannot be built here: {error}")
        return 2
    finally:
        if not given.keep:
            shutil.rmtree(place, ignore_errors=True)
    report.facts["seconds of everything"] = round(monotonic() - started)
    report.summary()
    if given.json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    return 0 if report.good else 1


def check_machine() -> None:
    """Raise NotUnderstood with what is missing, and how it is had."""
    if os.geteuid() != 0:
        raise NotUnderstood("mounts and other roots need root: run it as root")
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise NotUnderstood(f"not installed: {', '.join(missing)}; apt-get install debootstrap")


def _all(place: Path, report: Report) -> None:
    revision = _revision()
    builder = Builder(ROOT, place, report.note, {"REVISION": revision})
    for old in ("build", "image"):
        shutil.rmtree(place / old, ignore_errors=True)
    built = builder.build(read_dockerfile(ROOT / "Dockerfile"))
    shutil.rmtree(place / "build", ignore_errors=True)  # no part of the image: 1 GB
    check_all(built, report, place)


def check_all(built: Built, report: Report, logs: Path) -> None:
    """Carry out every check of a built image; their logs go to a folder."""
    check_contents(built, report)
    check_worker(built, report, logs)
    check_lambda(built, report, logs)


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
