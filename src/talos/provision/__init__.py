"""Local clusters: request, steps, providers, state on disk."""
