"""What scripts and notebooks call: ``accelsim.run``, ``compare``, ``sweep``, ``load_result`` and what they return.

Thin: every function is one of the pipeline's with Python's own types for options, and its result with views.
"""
