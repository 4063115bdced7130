"""One run: its context, its steps, the local runner, sharding, and telling the owner."""
