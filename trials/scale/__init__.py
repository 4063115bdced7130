"""Many stores, several workers, one of them killed: nothing lost, nothing doubled, limits kept."""
