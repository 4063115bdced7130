"""The one typed tree of settings, and where its values come from."""
