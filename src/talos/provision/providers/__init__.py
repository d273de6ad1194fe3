"""Ways to run the nodes of a local cluster, one folder each."""
