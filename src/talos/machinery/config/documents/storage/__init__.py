"""Documents of the storage domain, one file a kind."""
