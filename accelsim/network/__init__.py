"""Networks and their inputs: graph, connections, events, encodings, quantisation, importers, workload folders."""
