"""What Prefect starts: each file is a readable list of steps, and holds no knowledge."""
