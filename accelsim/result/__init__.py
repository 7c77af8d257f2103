"""Results of a run: plain data that reports view and files keep."""
