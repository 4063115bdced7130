"""Worlds to start from: small YAML files of counts and special cases, expanded by `build`."""
