"""What `inpaint evaluate` does: systems one after the other (measuring.py), through what can be measured of each
(metering.py, originals.py), under names that tell them apart (systems.py).
"""
