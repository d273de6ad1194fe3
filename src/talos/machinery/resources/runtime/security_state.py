"""Resource type SecurityStates.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import runtime as runtime_types

SECURITY_STATE_ID = "securitystate"


class SecurityState(resource.Resource["SecurityState.Spec"]):
    """Secure Boot, SELinux and FIPS state of the machine."""

    definition = resource.Definition(
        type="SecurityStates.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("SecureBoot", "{.secureBoot}"),
            resource.PrintColumn("UKISigningKeyFingerprint", "{.ukiSigningKeyFingerprint}"),
            resource.PrintColumn("PCRSigningKeyFingerprint", "{.pcrSigningKeyFingerprint}"),
            resource.PrintColumn("SELinuxState", "{.selinuxState}"),
            resource.PrintColumn("ModuleSignatureEnforced", "{.moduleSignatureEnforced}"),
        ),
        message="talos.resource.definitions.runtime.SecurityStateSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "uki_signing_key_fingerprint",
                "pcr_signing_key_fingerprint",
                "se_linux_state",
                "fips_state",
                "booted_with_uki",
                "module_signature_enforced",
            }
        )

        secure_boot: bool = msgspec.field(default=False, name="secureBoot")
        uki_signing_key_fingerprint: str = msgspec.field(default="", name="ukiSigningKeyFingerprint")
        pcr_signing_key_fingerprint: str = msgspec.field(default="", name="pcrSigningKeyFingerprint")
        se_linux_state: runtime_types.SELinuxState = msgspec.field(
            default=runtime_types.SELinuxState.DISABLED, name="selinuxState"
        )
        fips_state: runtime_types.FIPSState = msgspec.field(default=runtime_types.FIPSState.DISABLED, name="fipsState")
        booted_with_uki: bool = msgspec.field(default=False, name="bootedWithUKI")
        module_signature_enforced: bool = msgspec.field(default=False, name="moduleSignatureEnforced")
