"""The image without an engine: its Dockerfile is carried out in Debian roots, and then started."""
