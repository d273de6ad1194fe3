"""Resource type ImageVerificationRules.security.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class ImageKeylessVerifierSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Signatures bound to an identity of an OpenID issuer."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"subject", "subject_regex"})

    issuer: str = ""
    subject: str = ""
    subject_regex: str = msgspec.field(default="", name="subjectRegex")


class ImagePublicKeyVerifierSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Signatures made with a given key."""

    certificate: str = ""


class ImageVerificationRule(resource.Resource["ImageVerificationRule.Spec"]):
    """How images of a pattern must be signed."""

    definition = resource.Definition(
        type="ImageVerificationRules.security.talos.dev",
        namespace="security",
        print_columns=(
            resource.PrintColumn("Pattern", "{.imagePattern}"),
            resource.PrintColumn("Skip", "{.skip}"),
            resource.PrintColumn("Deny", "{.deny}"),
        ),
        message="talos.resource.definitions.security.ImageVerificationRuleSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"image_pattern", "keyless_verifier", "public_key_verifier"})

        image_pattern: str = msgspec.field(default="", name="imagePattern")
        skip: bool = False
        deny: bool = False
        keyless_verifier: ImageKeylessVerifierSpec | None = msgspec.field(default=None, name="keylessVerifier")
        public_key_verifier: ImagePublicKeyVerifierSpec | None = msgspec.field(default=None, name="publicKeyVerifier")
