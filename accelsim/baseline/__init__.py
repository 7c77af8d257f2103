"""The same network as an ANN on a MAC array, priced from the same tables as the chip."""
