"""Speed, measured: figures that depend on the machine are no tests."""
