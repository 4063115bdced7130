"""Console commands: parse, call, translate errors."""
