"""kubeconfig files."""

from __future__ import annotations

import base64

import pytest
import yaml

from talos.base import errors
from talos.k8s import kubeconfig

CA, CRT, KEY = b"ca\n", b"crt\n", b"key\n"
ADMIN = kubeconfig.with_certificate(
    cluster="c", user="admin", server="https://10.5.0.2:6443", ca=CA, certificate=CRT, key=KEY
)


@pytest.mark.feature("M032")
def test_admin() -> None:
    found = yaml.safe_load(ADMIN)
    assert found["current-context"] == "admin@c"
    assert found["contexts"] == [
        {"name": "admin@c", "context": {"cluster": "c", "namespace": "default", "user": "admin@c"}}
    ]
    entry = kubeconfig.current(ADMIN)
    assert entry.cluster["server"] == "https://10.5.0.2:6443"
    assert base64.b64decode(entry.user["client-key-data"]) == KEY


@pytest.mark.feature("M016")
def test_bootstrap() -> None:
    entry = kubeconfig.current(kubeconfig.bootstrap(server="https://127.0.0.1:7445", ca=CA, token="a.b"))
    assert entry.user == {"token": "a.b"}
    assert base64.b64decode(entry.cluster["certificate-authority-data"]) == CA


def test_server_is_replaced_only_where_it_differs() -> None:
    assert kubeconfig.with_server(ADMIN, server="https://10.5.0.2:6443", ca=CA) is None
    changed = kubeconfig.with_server(ADMIN, server="https://127.0.0.1:7445", ca=b"new", tls_server_name="x")
    assert changed is not None
    entry = kubeconfig.current(changed)
    assert entry.cluster["server"] == "https://127.0.0.1:7445"
    assert entry.cluster["tls-server-name"] == "x"
    assert entry.user == kubeconfig.current(ADMIN).user
    back = kubeconfig.with_server(changed, server="https://10.5.0.2:6443", ca=CA)
    assert back is not None
    assert kubeconfig.current(back) == kubeconfig.current(ADMIN)


@pytest.mark.parametrize("text", ["[", "just text", "current-context: x", "contexts: [{name: a}]\ncurrent-context: a"])
def test_broken_files_are_refused(text: str) -> None:
    with pytest.raises(errors.Invalid, match="kubeconfig"):
        kubeconfig.current(text)
