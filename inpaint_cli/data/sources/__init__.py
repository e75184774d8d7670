"""The forms in which data sets are distributed, one file per form."""
