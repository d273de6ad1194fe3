"""Sequences order destructive work: boot, reboot, shutdown, reset."""
