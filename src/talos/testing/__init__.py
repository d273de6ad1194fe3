"""The test kit: in-memory state, fake clock, eventual asserts."""
