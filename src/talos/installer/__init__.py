"""Puts a system on a disk, and a new one beside it."""
