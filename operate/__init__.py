"""Running everything on one machine: server, work pool, worker, deployments, simulated world."""
