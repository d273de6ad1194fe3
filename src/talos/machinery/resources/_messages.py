"""Which generated module holds a spec's message; imported when the first resource of the domain travels."""

from __future__ import annotations

import importlib

_PACKAGE = "talos.machinery.api._generated"
_OTHERS = {
    "resource.config": "resource.config.config_pb2",
    "resource.network": "resource.network.device_config_pb2",
    "cosi.resource.meta": "cosi.meta_pb2",
}
_DEFINITIONS = "talos.resource.definitions."


def load(full_name: str) -> None:
    """Import the module that defines the message, so that the descriptor pool knows it."""
    package = full_name.rpartition(".")[0]
    if package.startswith(_DEFINITIONS):
        domain = package.removeprefix(_DEFINITIONS)
        importlib.import_module(f"{_PACKAGE}.resource.definitions.{domain}.{domain}_pb2")
    elif package in _OTHERS:
        importlib.import_module(f"{_PACKAGE}.{_OTHERS[package]}")
