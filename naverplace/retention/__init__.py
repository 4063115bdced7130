"""Removing personal data when its time is over, and proving that none is left (docs/privacy.md)."""
