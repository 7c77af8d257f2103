"""What a shell offers after Tab: names of bundled chips and workloads; files are the shell's own."""


def chips(incomplete: str) -> list[str]:
    """Return the names of bundled chips that begin so."""
    from accelsim.hardware.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


def workloads(incomplete: str) -> list[str]:
    """Return the names of bundled workloads that begin so."""
    from accelsim.network.workload import workload_names

    return [name for name in workload_names() if name.startswith(incomplete)]
