"""What the commands do, as functions of plain arguments that return results; they print nothing and never exit.

`cli` declares options, calls a job and prints; `import inpaint_cli` exports the same functions. A job speaks through an
`Audience` (audience.py) while it works, and raises one of `inpaint_cli.errors`.
"""
