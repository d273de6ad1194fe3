"""Client of the Talos API: talosconfig, channels, per-node fan-out."""
