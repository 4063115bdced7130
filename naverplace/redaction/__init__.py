"""Secrets and phone numbers are kept out of everything that people or databases read."""
