"""Documents of the security domain, one file a kind."""
