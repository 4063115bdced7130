"""Odd input, odd answers and odd moments, each through a real process, judged by an oracle."""
