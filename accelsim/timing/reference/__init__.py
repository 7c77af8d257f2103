"""The reference engine in SimPy: one process per engine, one file per part; where a reader learns the model."""
