"""A completion into its photo: `blends.py` says how they meet at the rim, `poisson.py` solves Poisson's equation."""
