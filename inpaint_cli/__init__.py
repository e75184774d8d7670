"""inpaint: train, run and compare the image-completion systems of five papers."""

__version__ = "0.1.0"
