"""What a Prefect worker does with a deployment: load its entrypoint, and run the flow.

Usage: python -m sandbox.demo.worker ENTRYPOINT [PARAMETERS_AS_JSON]
Exits 0 when the run completed, 1 when it did not.
"""

from __future__ import annotations

import json
import sys
from typing import Any, cast

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.flows import load_flow_from_entrypoint


def main(arguments: list[str]) -> int:
    """Run the flow of `arguments[0]` as a worker would, and tell how it ended."""
    flow: Flow[..., Any] = load_flow_from_entrypoint(arguments[0])
    parameters = json.loads(arguments[1]) if len(arguments) > 1 else {}
    state = cast("State[Any]", flow(**parameters, return_state=True))
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
