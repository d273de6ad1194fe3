"""One module per command, found by name and imported when used."""
