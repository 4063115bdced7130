"""Compares the ledger with SENS's log, and names every difference."""
