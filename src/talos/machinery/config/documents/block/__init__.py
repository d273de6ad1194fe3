"""Documents of the block domain, one file a kind."""
