"""A key made beside other work: an RSA key of 4096 bits takes a good part of a second of one processor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from typing import TYPE_CHECKING

from talos.pki import x509

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as PrivateKey


def rsa_key() -> Callable[[], PrivateKey]:
    """Begin at once; the function returned waits for the key.

    A program that ends without having asked for it waits, too: an interpreter that is torn down under a thread in
    foreign code aborts.
    """
    made: futures.Future[PrivateKey] = futures.Future()

    def make() -> None:
        try:
            made.set_result(x509.new_rsa_key())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=make, name="rsa-key").start()
    return made.result
