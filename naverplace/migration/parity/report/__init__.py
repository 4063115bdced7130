"""The report of a comparison, in the forms that people and machines read."""
