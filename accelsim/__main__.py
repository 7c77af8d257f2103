"""The entry point: ``accelsim`` and ``python -m accelsim``; nothing is imported before an interrupt can be answered."""

import sys


def main() -> None:
    """Run the command line and exit."""
    try:
        from accelsim.cli.interrupts import answer_interrupts  # noqa: PLC0415 - an interrupt from here on is answered

        answer_interrupts()
        from accelsim.cli.app import main as run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    try:
        main()
    finally:
        # Where an interrupt hit text that was executed (numba does so), python -m ends by the signal whatever the exit
        # code is, unless text is executed after it.
        exec("")  # noqa: S102 - nothing is executed
