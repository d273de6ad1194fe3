"""A Talos Linux implementation: node daemons, talosctl, imager and provisioners in one source tree."""
