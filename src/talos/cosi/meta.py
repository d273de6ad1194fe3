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
    """Names a person may use: explicit ones, the singular, its initials, their plural unless they end in s."""
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


def define(definition: resource.Definition, display_type: str) -> ResourceDefinition:
    """Return the definition of a type as a resource; `display_type` is the singular people read."""
    if definition.plain_aliases:
        short = every = definition.aliases
    else:
        short = aliases(display_type, definition.aliases)
        every = tuple(dict.fromkeys((*plural_aliases(definition.type), *short)))
    spec = ResourceDefinition.Spec(
        resource_type=definition.type,
        display_type=display_type,
        default_namespace=definition.namespace,
        aliases=short,
        all_aliases=every,
        print_columns=tuple(Column(column.name, column.json_path) for column in definition.print_columns),
        sensitivity=definition.sensitivity,
    )
    return ResourceDefinition(definition.type.lower(), spec)


def define_class(cls: type[Resource[Any]]) -> ResourceDefinition:
    """Return the definition of a class as a resource."""
    return define(cls.definition, cls.__name__)
