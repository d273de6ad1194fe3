"""Tests against a real local cluster."""
