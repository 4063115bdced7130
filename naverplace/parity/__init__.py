"""The legacy and the new system side by side: what each decided, and what the differences are."""
