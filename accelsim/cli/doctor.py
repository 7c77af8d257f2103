"""The command ``doctor``, which tells whether this installation works."""

import typer


def doctor() -> None:
    """Check the installation: versions, caches, threads, data, optional packages, and both engines on a small case.

    Exit code 1 if something is broken.

    For example: accelsim doctor
    """
    from rich.text import Text

    from accelsim.cli.console import results
    from accelsim.pipeline.doctor import examine

    console, broken = results(), 0
    styles = {"ok": "green", "note": "yellow", "fail": "bold red"}
    for finding in examine():
        line = Text(f"{finding.state:5}", style=styles[finding.state])
        line.append(f"{finding.name:17} ", style="bold").append(finding.found, style="default")
        console.print(line, soft_wrap=True)
        if finding.advice:
            console.print(Text(f"{'':23}{finding.advice}", style="dim"), soft_wrap=True)
        broken += finding.state == "fail"
    if broken:
        raise typer.Exit(1)
