"""The tables that energies are priced from; PROVENANCE.md says where each comes from and under what licence.

Read them through :mod:`accelsim.hardware.sources`, not directly.
"""
