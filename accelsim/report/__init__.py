"""Views of a result: terminal report, figures and files. Nothing here computes anything new about the machine."""
