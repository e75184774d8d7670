"""What our own files say, each kind with its schema: run.json, checkpoint headers, rows of metrics.jsonl, results.

Whoever reads or writes one does it through here, so that a file that says anything else is one `InputError` wherever it
is read. Written is what is read: a value that could not be read again is refused before it is written.
"""
