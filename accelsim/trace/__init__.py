"""Activity traces: what fired when, made once by the functional kernels and replayed by the timing engines."""
