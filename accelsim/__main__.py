"""The entry point: ``accelsim`` and ``python -m accelsim``; nothing is imported before an interrupt can be answered."""

import sys


def main() -> None:
    """Run the command line and exit."""
    try:
        from accelsim.cli.app import main as run  # noqa: PLC0415 - an interrupt during the import ends as it should
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
