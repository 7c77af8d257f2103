"""Encodings of operands in buffers and DRAM, one file each."""
