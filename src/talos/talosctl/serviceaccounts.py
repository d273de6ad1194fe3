"""Access to the Talos API for workloads: a ServiceAccount resource beside each, and its secret mounted into the pods.

Manifests are edited as YAML nodes, so that every scalar stays as its author wrote it. Names (`talos-secrets`, the
suffix, the mount path) are what the node's controller and the client libraries look for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import yaml

from talos.base import errors

VOLUME = "talos-secrets"
SUFFIX = "-talos-secrets"
MOUNT = PurePosixPath("/var/run/secrets/talos.dev")
API_VERSION, KIND = "talos.dev/v1alpha1", "ServiceAccount"
_TEMPLATE = ("spec", "template", "spec")
_POD_SPECS: dict[tuple[str, str], tuple[str, ...]] = {
    ("v1", "Pod"): ("spec",),
    ("apps/v1", "Deployment"): _TEMPLATE,
    ("apps/v1", "StatefulSet"): _TEMPLATE,
    ("apps/v1", "DaemonSet"): _TEMPLATE,
    ("batch/v1", "Job"): _TEMPLATE,
    ("batch/v1", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
}
_STR, _SEQ, _MAP = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))


def _text(value: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(_STR, value)


def _map(**entries: yaml.Node) -> yaml.MappingNode:
    return yaml.MappingNode(_MAP, [(_text(key), node) for key, node in entries.items()])


def _get(node: yaml.Node | None, *keys: str) -> yaml.Node | None:
    for key in keys:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for name, value in node.value if name.value == key), None)
    return node


def _string(node: yaml.Node | None, *keys: str) -> str:
    found = _get(node, *keys)
    return str(found.value) if isinstance(found, yaml.ScalarNode) else ""


def _replace_named(owner: yaml.MappingNode, key: str, item: yaml.MappingNode) -> None:
    """Put an item into the list `key`, in the place of one that has its name."""
    found = _get(owner, key)
    if not isinstance(found, yaml.SequenceNode):
        owner.value = [pair for pair in owner.value if pair[0].value != key]
        found = yaml.SequenceNode(_SEQ, [])
        owner.value.append((_text(key), found))
    found.value = [one for one in found.value if _string(one, "name") != _string(item, "name")]
    found.value.append(item)
    found.flow_style = False


def _mount(pod: yaml.MappingNode, secret: str) -> None:
    volume = _map(name=_text(VOLUME), secret=_map(secretName=_text(secret)))
    _replace_named(pod, "volumes", volume)
    for kind in ("initContainers", "containers"):
        containers = _get(pod, kind)
        for container in containers.value if isinstance(containers, yaml.SequenceNode) else ():
            if isinstance(container, yaml.MappingNode):
                mount = _map(name=_text(VOLUME), mountPath=_text(str(MOUNT)))
                _replace_named(container, "volumeMounts", mount)


def _account(namespace: str, name: str, roles: Sequence[str]) -> yaml.MappingNode:
    metadata = _map(name=_text(name))
    if namespace:
        metadata.value.append((_text("namespace"), _text(namespace)))
    listed = yaml.SequenceNode(_SEQ, [_text(role) for role in roles], flow_style=False)
    return _map(apiVersion=_text(API_VERSION), kind=_text(KIND), metadata=metadata, spec=_map(roles=listed))


def _documents(text: bytes) -> Iterator[yaml.Node]:
    try:
        for node in yaml.compose_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            # An empty document is a null.
            if not (isinstance(node, yaml.ScalarNode) and not node.value):
                yield node
    except yaml.YAMLError as error:
        raise errors.Invalid(f"manifests can not be read: {error}") from error


def inject(text: bytes, roles: Sequence[str]) -> str:
    """Return manifests whose workloads have access with these roles. What has it already stays as it is.

    Raises Invalid for text that is no YAML.
    """
    seen: set[tuple[str, str]] = set()
    made: list[yaml.Node] = []
    for document in _documents(text):
        kind = (_string(document, "apiVersion"), _string(document, "kind"))
        name, namespace = _string(document, "metadata", "name"), _string(document, "metadata", "namespace")
        if kind == (API_VERSION, KIND):
            identity = (namespace, name.removesuffix(SUFFIX))
            if identity not in seen:
                made.append(document)
            seen.add(identity)
            continue
        made.append(document)
        pod = _get(document, *_POD_SPECS.get(kind, ("", "")))
        if not isinstance(pod, yaml.MappingNode) or not name:
            continue
        _mount(pod, name + SUFFIX)
        if (namespace, name) not in seen:
            made.append(_account(namespace, name + SUFFIX, roles))
            seen.add((namespace, name))
    return "".join(yaml.serialize(node, width=10_000) + "---\n" for node in made)
