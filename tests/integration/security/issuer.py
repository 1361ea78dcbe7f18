"""A small OpenID Connect issuer on a real socket: discovery, keys, and the tokens it signs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kadeploy.serving import listen, serve
from tests.integration.security.certificates import SERVER, TestAuthority

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class Issuer:
    """`url` is the issuer's name; `asked` counts fetches of the keys; `broken` answers with an error."""

    url: str = ""
    keys: dict[str, Key] = field(default_factory=dict)
    asked: int = 0
    broken: bool = False
    said_to_be: str = ""

    def __post_init__(self) -> None:
        self.rotate("first")

    def rotate(self, name: str) -> None:
        """From now on only this key is published and signs."""
        self.keys = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def claims(self, **changes: object) -> dict[str, Any]:
        at = int(time.time())
        usual = {
            "iss": self.url,
            "aud": "kadeploy",
            "sub": "0815",
            "preferred_username": "alice",
            "groups": ["staff", "support"],
            "iat": at,
            "exp": at + 300,
        }
        return {key: value for key, value in {**usual, **changes}.items() if value is not None}

    def token(self, *, key: str | None = None, algorithm: str = "RS256", **changes: object) -> str:
        name, signing = next(iter(self.keys.items()))
        return jwt.encode(self.claims(**changes), signing, algorithm=algorithm, headers={"kid": key or name})

    async def discovery(self, request: Request) -> Response:
        return JSONResponse({"issuer": self.said_to_be or self.url, "jwks_uri": f"{self.url}/keys"})

    async def published(self, request: Request) -> Response:
        self.asked += 1
        if self.broken:
            return Response(status_code=503)
        return JSONResponse({"keys": [_public(name, key) for name, key in self.keys.items()]})


def _public(name: str, key: Key) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        text, algorithm = RSAAlgorithm.to_jwk(key.public_key()), "RS256"
    else:
        text, algorithm = ECAlgorithm.to_jwk(key.public_key()), "ES256"
    return {**json.loads(text), "kid": name, "use": "sig", "alg": algorithm}


@contextlib.asynccontextmanager
async def issuing(directory: Path, authority: TestAuthority) -> AsyncIterator[Issuer]:
    """Over TLS, with a certificate of this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = authority.issue("issuer", usage=SERVER, address="127.0.0.1")
    context.load_cert_chain(await asyncio.to_thread(pair.write, directory / "issuer.pem"))
    listening = listen("127.0.0.1", 0)
    issuer = Issuer(url=f"https://127.0.0.1:{listening.getsockname()[1]}/realm")
    app = Starlette(
        routes=[
            Route("/realm/.well-known/openid-configuration", issuer.discovery),
            Route("/realm/keys", issuer.published),
        ]
    )
    serving = asyncio.create_task(serve(app, listening, tls=context))
    try:
        yield issuer
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
