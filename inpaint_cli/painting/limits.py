"""What page and server agree on."""

LARGEST_BODY = 64_000_000  # bytes of a request: a painted mask has a few thousand, a dropped photo more
