"""Data sets from local files, one file per family; nothing is downloaded."""
