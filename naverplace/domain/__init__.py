"""Values that every package speaks of: booking, store, record, effect, result, SMS log entry."""
