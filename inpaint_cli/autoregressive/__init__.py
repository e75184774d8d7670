"""Images value by value: the base of the pixel-by-pixel models, the order of their passes, and its replay on a GPU."""
