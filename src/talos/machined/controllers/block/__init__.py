"""Disks and volumes: what is there, what is wanted, and what was made of it."""
