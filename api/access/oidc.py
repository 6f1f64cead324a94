"""Bearer tokens of an OpenID Connect issuer the operator trusts, checked against the issuer's public keys."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import jwt

from api.problems import NotAuthenticated
from api.settings import Oidc
from geodata.errors import NotReady

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key only: a shared secret or no signature never proves an issuer."""
_KEYS_LIVE_S = 300.0


class Issuer:
    """Checks tokens of one issuer.

    Args:
        settings: The issuer, its audience, and where its public keys are.
    """

    def __init__(self, settings: Oidc) -> None:
        self.settings = settings
        self._keys: jwt.PyJWKSet | None = None
        self._read_at = 0.0
        self._lock = threading.Lock()

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a valid token.

        Raises:
            NotAuthenticated: It is malformed, unsigned, signed by another, expired, or for another audience.
        """
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self.settings.audience,
                issuer=self.settings.issuer,
                leeway=30,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError, KeyError) as error:
            raise NotAuthenticated(
                "the token is not valid", expected="a token in force of the issuer"
            ) from error
        return claims

    def _key(self, key_id: str) -> jwt.PyJWK:
        with self._lock:
            stale = time.monotonic() - self._read_at > _KEYS_LIVE_S
            if self._keys is None or stale:
                self._keys, self._read_at = self._load(), time.monotonic()
            keys = self._keys.keys
        named = [key for key in keys if key.key_id == key_id] or (
            keys if len(keys) == 1 and not key_id else []
        )
        return named[0] if named else self._missing(key_id)

    @staticmethod
    def _missing(key_id: str) -> jwt.PyJWK:
        raise jwt.InvalidKeyError(f"no key is called {key_id!r}")

    def _load(self) -> jwt.PyJWKSet:
        place = self.settings.jwks
        try:
            if place.startswith(("https://", "http://127.0.0.1", "http://localhost")):
                return jwt.PyJWKClient(place, cache_keys=False, timeout=5).get_jwk_set()
            return jwt.PyJWKSet.from_json(Path(place).read_text(encoding="utf-8"))
        except (OSError, jwt.PyJWTError, ValueError) as error:
            raise NotReady("the issuer's public keys cannot be read", file=place) from error
