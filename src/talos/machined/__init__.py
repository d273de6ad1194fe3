"""The node daemon: resource state, controllers, services, sequences and the machine API."""
