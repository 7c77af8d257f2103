"""What a run costs: counters times prices, leakage times time, and the literature's operation-count models."""
