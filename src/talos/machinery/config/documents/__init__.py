"""Config documents, one file a kind, in one folder a domain."""
