"""YAML rules and templates, and the pure decision what is owed."""
