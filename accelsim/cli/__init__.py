"""The command line: typer and rich, no logic of its own; everything heavy is imported by the command that needs it."""
