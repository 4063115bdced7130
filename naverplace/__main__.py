"""`python -m naverplace` is `naverplace`."""

from naverplace.cli.app import app

if __name__ == "__main__":
    app()
