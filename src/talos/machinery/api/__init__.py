"""API messages and method table derived from protos/api."""
