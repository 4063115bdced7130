"""Naver as the sandbox plays it: the login site and the booking API of a store's owner."""
