"""Latent search: a trained generator's image that agrees with what is known (semantic, sii).

`search.py` is the search, `energy.py` what it descends, `descent.py` how, `model.py` whose generator is searched.
"""
