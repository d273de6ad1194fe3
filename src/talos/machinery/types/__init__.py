"""Enumerations of the wire and of YAML, one file a domain."""
