"""Documents of the cri domain, one file a kind."""
