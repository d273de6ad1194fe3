"""Resources about resources: namespaces and type definitions, in the namespace `meta`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from talos.cosi import resource
from talos.cosi.resource import Resource

NAMESPACE = "meta"


class Namespace(Resource["Namespace.Spec"]):
    """A namespace resources live in."""

    definition = resource.Definition(
        type="Namespaces.meta.cosi.dev",
        namespace=NAMESPACE,
        message="cosi.resource.meta.NamespaceSpec",
        print_columns=(),
    )

    @dataclass(frozen=True, slots=True)
    class Spec:
        """What the namespace is for."""

        description: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table of a type."""

    name: str
    json_path: str


class ResourceDefinition(Resource["ResourceDefinition.Spec"]):
    """A resource type clients can ask for; the id is the type in lower case."""

    definition = resource.Definition(
        type="ResourceDefinitions.meta.cosi.dev",
        namespace=NAMESPACE,
        aliases=("resourcedefinition", "resourcedefinitions", "rd", "rds"),
        message="cosi.resource.meta.ResourceDefinitionSpec",
        print_columns=(resource.PrintColumn("Aliases", "{.aliases[:]}"),),
    )

    @dataclass(frozen=True, slots=True)
    class Spec:
        """How a type is named, printed and guarded."""

        resource_type: str = ""
        display_type: str = ""
        default_namespace: str = ""
        aliases: tuple[str, ...] = ()
        all_aliases: tuple[str, ...] = ()
        print_columns: tuple[Column, ...] = ()
        sensitivity: resource.Sensitivity = resource.Sensitivity.NONSENSITIVE


def aliases(display_type: str, explicit: Iterable[str] = ()) -> tuple[str, ...]:
    """Names a person may use: explicit ones, the singular, its initials, and their plural unless that is clumsy."""
    initials = "".join(c for c in display_type if c.isupper()).lower()
    found = [*explicit, display_type.lower()]
    if len(initials) > 1:
        found.append(initials)
        if not initials.endswith("s"):
            found.append(initials + "s")
    return tuple(dict.fromkeys(found))


def plural_aliases(type_name: str) -> tuple[str, ...]:
    """`BlockDevices.block.talos.dev` -> blockdevices, blockdevices.block, blockdevices.block.talos."""
    parts = type_name.lower().split(".")
    return tuple(".".join(parts[:n]) for n in range(1, len(parts)))


def define(
    type_name: str,
    display_type: str,
    namespace: str,
    explicit: Iterable[str],
    columns: Iterable[tuple[str, str]],
    sensitivity: resource.Sensitivity,
) -> ResourceDefinition:
    """Return the definition of a type as a resource."""
    short = aliases(display_type, explicit)
    spec = ResourceDefinition.Spec(
        resource_type=type_name,
        display_type=display_type,
        default_namespace=namespace,
        aliases=short,
        all_aliases=tuple(dict.fromkeys((*plural_aliases(type_name), *short))),
        print_columns=tuple(Column(*c) for c in columns),
        sensitivity=sensitivity,
    )
    return ResourceDefinition(type_name.lower(), spec)


def define_class(cls: type[Resource[Any]]) -> ResourceDefinition:
    """Return the definition of a class as a resource."""
    found = cls.definition
    columns = [(c.name, c.json_path) for c in found.print_columns]
    return define(found.type, cls.__name__, found.namespace, found.aliases, columns, found.sensitivity)
