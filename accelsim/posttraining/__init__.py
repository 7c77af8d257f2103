"""Compression without training, of networks from anywhere: analyses, and curves of accuracy and energy."""
