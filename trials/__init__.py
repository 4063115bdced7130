"""Campaigns that try to break the promises: faults at every boundary, and a simulated year."""
