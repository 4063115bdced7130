"""Alerts when runs stop or messages are late."""
