"""Contract suites: what every plug-in of a kind must hold, for accelsim's own tests and for outside packages."""
