"""Document ImageVerificationConfig: which images may run."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings


class ImageKeylessVerifier(document.Section, frozen=True, kw_only=True):
    """A signature by somebody an OpenID provider vouches for."""

    issuer: str = ""
    """URL of the provider."""
    subject: str = ""
    """Who signed."""
    subject_regex: str = ""
    """Who signed, as a regular expression."""


class ImagePublicKeyVerifier(document.Section, frozen=True, kw_only=True):
    """A signature by a key."""

    certificate: str = ""
    """Public key or certificate, PEM."""


class ImageVerificationRule(document.Section, frozen=True, kw_only=True):
    """What holds for images a pattern matches; the first rule that matches counts."""

    image: str = ""
    """Pattern of image references, `*` stands for anything."""
    skip: bool | None = None
    """Let them run unchecked."""
    deny: bool | None = None
    """Never let them run."""
    keyless: ImageKeylessVerifier | None = None
    """Let them run when signed by this identity."""
    public_key: ImagePublicKeyVerifier | None = None
    """Let them run when signed by this key."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report contradictions."""
        found.require(self.image, f"{path}.image")
        verifiers = [v for v in (self.keyless, self.public_key) if v is not None]
        if self.skip and self.deny:
            found.error(path, "skip and deny contradict each other")
        if (self.skip or self.deny) and verifiers:
            found.error(path, "an image that is skipped or denied needs no verifier")
        elif not (self.skip or self.deny) and not verifiers:
            found.error(path, "one of skip, deny, keyless or publicKey is needed")
        elif len(verifiers) > 1:
            found.error(path, "only one of keyless and publicKey can be used")
        if self.keyless is not None:
            found.require(self.keyless.issuer, f"{path}.keyless.issuer")
            found.require(self.keyless.subject or self.keyless.subject_regex, f"{path}.keyless.subject")
        if self.public_key is not None and found.require(self.public_key.certificate, f"{path}.publicKey.certificate"):
            problem = checks.pem(self.public_key.certificate, "CERTIFICATE", "PUBLIC KEY")
            if problem:
                found.error(f"{path}.publicKey.certificate", problem)


class ImageVerificationConfig(document.Document, frozen=True, kw_only=True):
    """Signatures an image must carry to be pulled."""

    kind: ClassVar[str] = "ImageVerificationConfig"

    rules: tuple[ImageVerificationRule, ...] = ()
    """Rules, in order."""

    def validate(self, found: findings.Findings) -> None:
        """Each rule says one thing."""
        for n, rule in enumerate(self.rules):
            rule.check(found, f"rules[{n}]")

    @classmethod
    def example(cls) -> ImageVerificationConfig:
        """Kubernetes' own images must be signed, others run as they are."""
        keyless = ImageKeylessVerifier(
            issuer="https://accounts.google.com", subject="krel-trust@k8s-releng-prod.iam.gserviceaccount.com"
        )
        return cls(
            rules=(
                ImageVerificationRule(image="registry.k8s.io/*", keyless=keyless),
                ImageVerificationRule(image="*", skip=True),
            )
        )
