"""Documents of the runtime domain, one file a kind."""
