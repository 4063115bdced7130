"""SENS."""

from __future__ import annotations

from typing import Any

from flask import Flask

from sandbox.state import World


def create_sens_app(world: World) -> Flask:
    """Create it."""
    return Flask("sandbox.sens")


def delivery_of(world: World, message: dict[str, Any]) -> dict[str, Any]:
    """Tell."""
    return dict(message)
