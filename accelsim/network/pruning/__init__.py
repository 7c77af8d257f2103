"""Pruning of networks on the way in, one method per file: no training, so accuracy is what it costs."""
