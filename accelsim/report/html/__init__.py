"""Reports as one self-contained HTML file: no request leaves it, nothing in it runs but the project's own scripts."""
