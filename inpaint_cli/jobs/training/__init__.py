"""What `inpaint train` does: `configuration.py` says what a run trains, `running.py` trains it."""
