"""Recipes that train the networks shipped as workloads (optional extra ``train``: plain PyTorch)."""
