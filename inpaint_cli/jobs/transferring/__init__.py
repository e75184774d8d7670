"""What `inpaint transfer` does: `encoders.py` says whose features, `running.py` learns on them and measures."""
