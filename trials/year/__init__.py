"""A simulated year of eight stores, judged by an oracle that shares no code with the library."""
