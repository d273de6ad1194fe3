"""talosctl machineconfig gen."""

from talos.talosctl.commands import _gen_config

COMMAND = _gen_config.make("machineconfig gen")
