"""What is done with prepared files: made from originals, labelled, shown, completed."""
