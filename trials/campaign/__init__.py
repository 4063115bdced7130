"""`make faults`: every point at which a run touches the outside, and what may happen there."""
