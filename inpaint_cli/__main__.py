"""`python -m inpaint_cli` is the same program as `inpaint`."""

from inpaint_cli.cli.main import main

if __name__ == "__main__":
    main()
