"""Outside oracles: recordings, traces and tables of other simulators that accelsim must equal."""
