"""Entry of the resident processes of a local cluster: `python -m talos.provision launcher|machine|services …`."""

import sys


def main() -> int:
    """Run the named process; it imports only what it needs."""
    name, arguments = sys.argv[1], sys.argv[2:]
    if name == "launcher":
        from talos.provision.providers.namespaces import launcher

        return launcher.main(arguments)
    if name == "machine":
        from talos.provision.providers.qemu import keeper

        return keeper.main(arguments)
    if name == "services":
        from talos.provision.services import main as keep_services

        return keep_services(arguments)
    sys.stderr.write(f"no process {name!r}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
