"""`python -m naverplace` is `naverplace`."""

from naverplace.cli import app

if __name__ == "__main__":
    app()
