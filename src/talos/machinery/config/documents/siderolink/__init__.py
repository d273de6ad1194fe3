"""Documents of the siderolink domain, one file a kind."""
