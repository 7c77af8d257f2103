"""The two engines under their names."""
