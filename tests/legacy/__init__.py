"""The modelled legacy: a test or more for each of L1-L31."""
