"""Tests. unit/ mirrors src/talos; privileged/ needs root; cluster/ needs the shared local cluster."""
