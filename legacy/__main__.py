"""`python -m legacy`: one run of the modelled legacy against a sandbox."""

from __future__ import annotations

import os
import sys

from legacy.run import run
from legacy.settings import from_sandbox


def main() -> None:
    """Run once, where the variables of a sandbox point."""
    settings = from_sandbox(os.environ, pause=1.0)
    sys.stdout.write(run(settings, out=lambda line: print(line)) + "\n")  # noqa: T201 - L21


if __name__ == "__main__":
    main()
