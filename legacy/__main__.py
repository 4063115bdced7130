"""`python -m legacy`: one run of the modelled legacy, by LEGACY_*, else where a sandbox is."""

from __future__ import annotations

import os
import sys

from legacy.environment import PREFIX, from_environment
from legacy.run import run
from legacy.settings import from_sandbox


def main() -> None:
    """Run once; the log holds personal data, as the legacy's does (L21)."""
    own = any(name.startswith(PREFIX) for name in os.environ)
    settings = from_environment(os.environ) if own else from_sandbox(os.environ, pause=1.0)
    sys.stdout.write(run(settings, out=lambda line: print(line)) + "\n")  # noqa: T201 - L21


if __name__ == "__main__":
    main()
