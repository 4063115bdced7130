"""From raw rows to validated bookings, and the circuit breaker over a whole batch."""
