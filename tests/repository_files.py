"""The files of the project: what is on disk here, but for what .gitignore names; works without git as well."""

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def ignored_patterns(root: Path = ROOT) -> list[str]:
    lines = (line.strip().rstrip("/") for line in (root / ".gitignore").read_text().splitlines())
    return [".git", *filter(None, lines)]


def project_files(root: Path = ROOT) -> list[Path]:
    """Return every file of the project, relative to its root, sorted."""
    patterns = ignored_patterns(root)

    def walk(folder: Path) -> Iterator[Path]:
        for path in folder.iterdir():
            if any(fnmatch(path.name, pattern) for pattern in patterns):
                continue
            if path.is_dir():
                yield from walk(path)
            else:
                yield path.relative_to(root)

    return sorted(walk(root))


def copy_project(target: Path, root: Path = ROOT) -> Path:
    """Copy the project's files, so that a build leaves nothing behind in the original."""
    for file in project_files(root):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_bytes((root / file).read_bytes())
    return target
