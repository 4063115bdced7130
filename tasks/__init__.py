"""Prefect tasks: a retry policy, a name and an artifact around one library function each."""
