"""Certificates: authorities, requests, PEM types, the secrets bundle."""
