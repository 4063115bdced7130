"""Naver as a source: session, login and booking API."""
