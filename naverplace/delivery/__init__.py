"""Carries effects out, once: claim, send, record; resolves what is in doubt by SENS's log."""
