"""The legacy Lambda, modelled: L1-L26 with its bugs; shares nothing with what replaces it."""
