"""From sections to one file: template, style, scripts and plotly, all inline.

A content security policy with the hashes of the page's own scripts stands in the head: whatever a workload is called,
nothing else runs, and no address is fetched.
"""

import base64
import hashlib
import importlib.resources
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from accelsim.errors import OutputError
from accelsim.report.format import clean
from accelsim.report.html.parts import Section

_TEMPLATES: Final = "accelsim.report.html"


def render(
    title: str, subtitle: str, findings: Sequence[str], sections: Sequence[Section], version: str,
    scripts: Sequence[str] = (),
) -> str:
    """Return a page.

    Parameters
    ----------
    title, subtitle : str
    findings : sequence of str
        Sentences below the title.
    sections : sequence of Section
    version : str
        Of accelsim, as the data says.
    scripts : sequence of str
        Files of ``templates/`` that the page runs besides its common script.
    """
    environment = Environment(
        loader=PackageLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["clean"] = clean
    code = [_plotly(), *(_file(name) for name in ("page.js", *scripts))]
    return environment.get_template("page.html.j2").render(
        title=clean(title, 200), subtitle=clean(subtitle), findings=[clean(line) for line in findings],
        sections=sections, style=Markup(_file("page.css")), scripts=[Markup(text) for text in code],  # noqa: S704 - ours
        hashes=[_digest(text) for text in code], version=clean(version, 40),
    )  # fmt: skip


def write_page(page: str, path: Path) -> None:
    """Write a page.

    Raises
    ------
    OutputError
        With the path and the reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write a report to {path}: {error.strerror or error}") from error


@cache
def _plotly() -> str:
    """Return plotly.js, of the version that the Python package carries (MIT licence)."""
    file = importlib.resources.files("plotly") / "package_data" / "plotly.min.js"
    return _script(file.read_text(encoding="utf-8"))


def _file(name: str) -> str:
    text = (importlib.resources.files(_TEMPLATES) / "templates" / name).read_text(encoding="utf-8")
    return _script(text) if name.endswith(".js") else text


def _script(text: str) -> str:
    """Return a script that can stand in a page; a browser reads CRLF as LF before it hashes."""
    if "</script" in text.lower() or "<!--" in text:
        text = text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return text.replace("\r\n", "\n")


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


