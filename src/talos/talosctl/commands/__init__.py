"""One module per command, found by name and imported when used. GROUPS: words that only hold other commands."""

GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cluster": ("manage local clusters", ()),
    "cluster image": ("manage container images of a local cluster", ()),
    "cluster node": ("add nodes to a local cluster and take them away", ()),
    "completion": ("write the completion script of a shell", ()),
    "config": ("manage the talosconfig: contexts, endpoints, nodes", ()),
    "etcd": ("manage etcd", ()),
    "etcd alarm": ("manage etcd alarms", ()),
    "etcd downgrade": ("take etcd back to an older minor version", ()),
    "gen": ("generate authorities, certificates, keys and configurations", ()),
    "gen secureboot": ("generate keys, certificates and databases of Secure Boot", ()),
    "image": ("manage container images of a machine", ("images",)),
    "inject": ("add resources of the Talos API to Kubernetes manifests", ()),
    "inspect": ("look into the running system", ()),
    "meta": ("write and delete values of the META partition", ()),
    "wipe": ("empty disks and partitions", ()),
    "machineconfig": ("work with machine configurations", ("mc",)),
}
