"""talosctl gen config."""

from talos.talosctl.commands import _gen_config

COMMAND = _gen_config.make("gen config")
