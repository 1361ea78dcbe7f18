"""One connection of the broadcast: blocking socket, every wait bounded by a tick, both ends proven.

Timeouts are the socket's own (SO_RCVTIMEO, SO_SNDTIMEO of socket(7)), not Python's: a Python timeout
makes each transfer two system calls, a poll and then the transfer.
"""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 -- the first connection would load it, when every node of a chain waits for it
import fcntl
import functools
import secrets
import socket
import struct
import termios
import time
from array import array
from collections.abc import Callable

from kadeploy.broadcast import wire
from kadeploy.broadcast.heal import Timing, is_dead
from kadeploy.broadcast.order import Member
from kadeploy.broadcast.wire import BadWire, Frame, Hello, Kind

# Linux's default. BBR, which some servers have, stops sending for 0.2 s every 10 s to measure the way: no link of a
# chain that is in use all the time can make up for that.
CONGESTION = b"cubic"
TCP_NOTSENT_LOWAT = 25  # tcp(7)
MOST_UNSENT = 512 << 10  # bytes in the kernel that are not yet on the wire: twice what is passed on at once


class LinkLost(Exception):
    """The connection is of no more use; the argument says why."""


class Silent(LinkLost):
    """No sign of life for the detection time."""


class Link:
    def __init__(self, sock: socket.socket, timing: Timing, allowed: frozenset[Kind]) -> None:
        """`allowed` is what the other side may say."""
        self.sock = sock
        self.heard = time.monotonic()  # last sign of life
        self._timing, self._tick = timing, timing.tick
        self._allowed = allowed
        self._partial = bytearray()
        self._head = bytearray(wire.FRAME_SIZE)
        self._head_view = memoryview(self._head)
        self._count = array("i", [0])
        self.placed = 0  # bytes that came with the last frame, where they belong
        self._usual = 0  # bytes in a frame
        self._ahead = memoryview(b"")  # what came with a frame and is not its own
        tick = struct.pack("ll", int(timing.tick), int(timing.tick % 1 * 1_000_000))
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tick)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tick)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, MOST_UNSENT)
        with contextlib.suppress(OSError):  # not there, or not for this user: the system's own serves, too
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)

    def close(self) -> None:
        self.sock.close()

    def cut(self) -> None:
        """End it from another thread: whoever uses it finds it lost."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def gather(self, least: int) -> None:
        """From now on wake up for so many bytes, or when the tick is over (SO_RCVLOWAT of socket(7)). The kernel does
        not mind that fewer may be wanted, or that fewer are still to come."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)

    def here(self) -> int:
        """How many bytes have come and were not taken yet (FIONREAD of tcp(7)); 0 when that cannot be known."""
        return _asked(self.sock, termios.FIONREAD, self._count) + len(self._ahead)

    def under_way(self) -> int:
        """How many bytes were sent and have not arrived, as far as this side knows (SIOCOUTQ of tcp(7)); or 0."""
        return _asked(self.sock, termios.TIOCOUTQ, array("i", [0]))

    def tell(self, kind: Kind, *, value: int = 0, hops: int = 0) -> None:
        left = memoryview(wire.encode_frame(Frame(kind=kind, value=value, hops=hops)))
        heard = self.heard
        while left:
            left = left[self.push(functools.partial(self.sock.send, left)) :]
        self.heard = heard  # a few bytes fit in any buffer: no sign of life

    def push(self, step: Callable[[], int], idle: Callable[[], object] = lambda: None) -> int:
        """Send by `step`, which says how many bytes it sent. `idle` is called when nothing moves for a tick."""
        left: int | None = None
        while True:
            began = time.monotonic()
            try:
                sent = step()
            except BlockingIOError:
                self._excuse(began)
                before, left = left, self.under_way()
                if before is not None and left < before:
                    self.heard = time.monotonic()  # slow, but it takes what was sent
                idle()
                self._check_alive()
                continue
            except OSError as error:
                raise LinkLost(_said(error)) from error
            if not sent:
                raise LinkLost("the image ended early")
            self.heard = time.monotonic()
            return sent

    def pull(self, view: memoryview, idle: Callable[[], object]) -> int:
        """Receive at least one byte. `idle` is called when nothing comes for a tick."""
        if self._ahead:
            count = min(len(view), len(self._ahead))
            view[:count], self._ahead = self._ahead[:count], self._ahead[count:]
            return count
        return self._pull((view,), idle)

    def _pull(self, views: tuple[memoryview, ...], idle: Callable[[], object]) -> int:
        while True:
            began = time.monotonic()
            try:
                count = self.sock.recvmsg_into(views)[0]
            except BlockingIOError:
                self._excuse(began)
                self._check_alive()
                idle()
                continue
            except OSError as error:
                raise LinkLost(_said(error)) from error
            if not count:
                raise LinkLost("it closed the connection")
            self.heard = time.monotonic()
            return count

    def next_frame(self, idle: Callable[[], object], room: memoryview | None = None) -> Frame:
        """With `room`, the first bytes of a DATA frame are put there in the same system call: `placed` of them."""
        view, self.placed = self._head_view, 0
        if room is None or self._ahead or not self._usual:
            got = self.pull(view, idle)
        else:
            got = self._pull((view, room[: self._usual]), idle)
        extra = got - wire.FRAME_SIZE
        while got < wire.FRAME_SIZE:
            got += self.pull(view[got:], idle)
        frame = self._decoded(self._head)
        if frame.length:
            self._usual = frame.length
        if extra > 0 and room is not None:
            self.placed = min(extra, frame.length)
            if extra > frame.length:  # it was late: what follows has come as well
                self._ahead = memoryview(bytes(room[frame.length : extra]))
        return frame

    def listen(self, *, wait: bool = False) -> list[Frame]:
        """What the other side has said meanwhile; with `wait`, for at most a tick."""
        began = time.monotonic()
        try:
            data = self.sock.recv(4096, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._excuse(began)
            self._check_alive()
            return []
        except OSError as error:
            raise LinkLost(_said(error)) from error
        if not data:
            raise LinkLost("it closed the connection")
        self.heard = time.monotonic()
        self._partial += data
        frames = []
        while len(self._partial) >= wire.FRAME_SIZE:
            frames.append(self._decoded(self._partial[: wire.FRAME_SIZE]))
            del self._partial[: wire.FRAME_SIZE]
        return frames

    def _decoded(self, data: bytearray) -> Frame:
        try:
            return wire.decode_frame(data, self._allowed)
        except BadWire as error:
            raise LinkLost(str(error)) from error

    def _excuse(self, began: float) -> None:
        """A wait that began then is over. What it took beyond a tick is this machine's fault, not the other side's."""
        self.heard += max(0.0, time.monotonic() - began - self._tick)

    def _check_alive(self) -> None:
        if is_dead(time.monotonic() - self.heard, self._timing):
            raise Silent(f"silent for {self._timing.stall:g} s")


def dial(member: Member, hello: Hello, secret: bytes, timing: Timing, *, connect: float, answer: float) -> Link:
    """Connect to a source within `connect` seconds, and prove each other within `answer` more. Raises LinkLost."""
    try:
        sock = socket.create_connection((member.host, member.port), timeout=connect)
    except OSError as error:
        raise LinkLost(f"cannot connect: {_said(error)}") from error
    try:
        said = wire.encode_hello(hello)
        sock.sendall(said)
        challenge = _exactly(sock, wire.CHALLENGE_SIZE, time.monotonic() + answer)
        nonce, proof = challenge[: wire.NONCE_SIZE], challenge[wire.NONCE_SIZE :]
        if not wire.same(proof, wire.source_proof(secret, said, nonce)):
            raise LinkLost("it is not part of this broadcast")
        sock.sendall(wire.reader_proof(secret, said, nonce))
        return Link(sock, timing, wire.FROM_SOURCE)
    except OSError as error:
        sock.close()
        raise LinkLost(_said(error)) from error
    except LinkLost:
        sock.close()
        raise


def greet(sock: socket.socket, broadcast: bytes, secret: bytes, timing: Timing) -> tuple[Link, Hello]:
    """The source's side, within the detection time. Raises LinkLost: a stranger, or a broken hello."""
    deadline = time.monotonic() + timing.stall
    try:
        head = _exactly(sock, wire.HELLO_SIZE, deadline)
        said = head + _exactly(sock, wire.name_size(head), deadline)
        hello = wire.decode_hello(said)
        if hello.broadcast != broadcast:
            raise LinkLost("it asks for another broadcast")
        nonce = secrets.token_bytes(wire.NONCE_SIZE)
        sock.sendall(nonce + wire.source_proof(secret, said, nonce))
        proof = _exactly(sock, wire.PROOF_SIZE, deadline)
    except OSError as error:
        raise LinkLost(_said(error)) from error
    except BadWire as error:
        raise LinkLost(str(error)) from error
    if not wire.same(proof, wire.reader_proof(secret, said, nonce)):
        raise LinkLost("it does not know the secret")
    return Link(sock, timing, wire.FROM_READER), hello


def _exactly(sock: socket.socket, count: int, deadline: float) -> bytes:
    data = b""
    while len(data) < count:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        part = sock.recv(count - len(data))
        if not part:
            raise LinkLost("it closed the connection")
        data += part
    return data


def _asked(sock: socket.socket, what: int, count: array[int]) -> int:
    try:
        fcntl.ioctl(sock, what, count, True)
    except OSError:
        return 0
    return count[0]


def _said(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
