"""Telegram."""

from __future__ import annotations

from flask import Flask

from sandbox.state import World


def create_telegram_app(world: World) -> Flask:
    """Create it."""
    return Flask("sandbox.telegram")
