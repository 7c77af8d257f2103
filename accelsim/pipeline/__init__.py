"""The whole flow: load, execute, map, time, cost, report."""

from accelsim.pipeline.flow import run

__all__ = ["run"]
