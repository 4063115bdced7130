"""Build the Dockerfile with buildah, look at the image, and run its two entries.

Usage: python -m trials.image [--json] [--contents] [--keep FOLDER]; exit 1 when a check failed, 2
when the build did. Needs root on Debian; installs buildah, podman, runc and mmdebstrap itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from trials.image.as_lambda import check_lambda
from trials.image.as_worker import check_worker
from trials.image.contents import check_contents
from trials.image.engine import BASE, BuildFailed, Engine, install_programs
from trials.image.report import Report, say

ROOT = Path(__file__).resolve().parents[2]
LONGEST_PATH = 46  # podman refuses a runroot of more than 50 characters


def main(arguments: list[str] | None = None) -> int:
    """Build, check, print the summary, and remove what was built."""
    parser = argparse.ArgumentParser(prog="python -m trials.image", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument(
        "--contents",
        action="store_true",
        help="one layer, Python not compiled; start neither worker nor Lambda",
    )
    parser.add_argument("--keep", type=Path, help="keep image, storage and logs in this folder")
    options = parser.parse_args(arguments)
    report, started = Report(), monotonic()
    folder = (options.keep or Path(tempfile.mkdtemp(prefix="naverplace-image-"))).resolve()
    if len(str(folder)) > LONGEST_PATH:
        parser.error(f"podman's own folder inside of {folder} would have too long a path")
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(folder)
    try:
        install_programs()
        engine.make_base()
        words = {"BASE": BASE, "REVISION": _revision()}
        if options.contents:
            words["UV_COMPILE_BYTECODE"] = "0"
        engine.build(ROOT, layers=not options.contents, **words)
        check_contents(engine, report)
        if not options.contents:
            check_worker(engine, report, folder)
            check_lambda(engine, report, folder)
    except BuildFailed as error:
        say(f"the image cannot be built here: {error}")
        return 2
    finally:
        if not options.keep:
            engine.remove()
    report.facts["seconds of everything"] = round(monotonic() - started)
    report.summary()
    if options.json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    return 0 if report.passed else 1


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
