"""What runs beside a run: reconciliation, watchdog, retention, drain, doctor."""
