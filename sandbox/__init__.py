"""The simulated outside world: real HTTP on loopback, invented data, faults on demand."""
