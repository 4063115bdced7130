"""The legacy Lambda, modelled: L1-L31 with its bugs; shares nothing with what replaces it."""
