"""Inputs and decisions of a run, pseudonymised and kept for replay."""
