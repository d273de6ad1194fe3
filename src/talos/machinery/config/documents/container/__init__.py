"""Documents of the container domain, one file a kind."""
