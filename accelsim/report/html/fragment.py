"""A piece of HTML for a notebook: a title, a finding, a small table; everything escaped."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader

from accelsim.report.format import clean


def table_fragment(title: str, finding: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table below its title and finding."""
    environment = Environment(
        loader=PackageLoader("accelsim.report.html"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("fragment.html.j2").render(
        title=clean(title, 200), finding=clean(finding), heads=[clean(head) for head in heads],
        rows=[[clean(cell, 200) for cell in row] for row in rows],
    )  # fmt: skip
