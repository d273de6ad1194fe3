"""Documents of the cluster domain, one file a kind."""
