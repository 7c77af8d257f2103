"""The four compression systems, one file and one YAML each."""
