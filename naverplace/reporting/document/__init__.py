"""The run summary document: what one run saw, did and cost, with every sum cross-checked; pure."""

from naverplace.reporting.document.render import render

__all__ = ["render"]
