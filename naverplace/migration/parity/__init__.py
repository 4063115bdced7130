"""Compares the decisions of this system with the legacy's, and makes a verdict."""
