"""The audit of a run summary, ours or anybody's: every contradiction, with its places; pure."""

from naverplace.audit.auditing import audit
from naverplace.audit.findings import Audit, Finding, Kind

__all__ = ["Audit", "Finding", "Kind", "audit"]
