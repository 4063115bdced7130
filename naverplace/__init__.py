"""The library: everything that the notifier knows."""
