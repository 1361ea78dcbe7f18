"""The first words on a connection: agent and server prove to each other that both know the node's token."""

from __future__ import annotations

import asyncio
import secrets

from kadeploy.agent.facts import gather
from kadeploy.agent.settings import Settings
from kadeploy.domain.meeting import (
    BEAT,
    PROTOCOL,
    BadMessage,
    Challenge,
    Hello,
    Message,
    Refused,
    Welcome,
    decode,
    encode,
    prove,
    same,
    token_hash,
)


class TurnedAway(Exception):
    """The server does not want this agent, or is not the one that knows its token."""


async def shake_hands(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: Settings, boot: str
) -> None:
    """Raises TurnedAway, BadMessage, OSError, EOFError."""
    challenge = await _next(reader)
    if not isinstance(challenge, Challenge) or challenge.protocol != PROTOCOL:
        raise TurnedAway(f"the server does not speak version {PROTOCOL} of the agents' protocol")
    hashed, nonce = token_hash(settings.token), secrets.token_hex(16)

    def proof(role: str) -> str:
        return prove(hashed, role=role, node=settings.node, server_nonce=challenge.nonce, agent_nonce=nonce)

    hello = Hello(protocol=PROTOCOL, node=settings.node, boot=boot, nonce=nonce, proof=proof("agent"), facts=gather())
    writer.write(encode(hello))
    answer = await _next(reader)
    if isinstance(answer, Refused):
        raise TurnedAway(answer.reason)
    if not isinstance(answer, Welcome) or not same(answer.proof, proof("server")):
        raise TurnedAway("the server could not prove that it knows this node's token")


async def next_line(reader: asyncio.StreamReader) -> bytes:
    """A whole line. Raises EOFError when there is no more, BadMessage when it is too long."""
    try:
        line = await reader.readline()
    except ValueError as error:
        raise BadMessage("the server's line is too long") from error
    if not line.endswith(b"\n"):
        raise EOFError("the server closed the connection")
    return line


async def _next(reader: asyncio.StreamReader) -> Message | None:
    while (line := await next_line(reader)) == BEAT:
        pass
    return decode(line)
