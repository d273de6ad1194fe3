"""Services of a node: states, dependencies, health, restarts, logs; runners for processes and containers."""
