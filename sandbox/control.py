"""Control."""

from __future__ import annotations

from typing import Any

from flask import Flask


def create_control_app(sandbox: Any) -> Flask:
    """Create it."""
    return Flask("sandbox.control")
