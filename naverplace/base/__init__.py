"""What knows nothing of bookings: errors, clock, phones, Korean text, HTTP, YAML."""
