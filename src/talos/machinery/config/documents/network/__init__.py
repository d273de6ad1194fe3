"""Documents of the network domain, one file a kind."""
