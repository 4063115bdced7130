"""The demo: the real flow, twice, against the simulated outside world."""
