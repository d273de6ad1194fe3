"""Documents of the hardware domain, one file a kind."""
