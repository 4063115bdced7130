"""Everything that is deleted when the legacy is gone."""
