"""Hands stores over from the legacy, and back."""
