"""The address at which a worker answers health checks."""

from typing import NamedTuple

from teep.errors import ConfigurationError

_LOOPBACK = "127.0.0.1"


class Address(NamedTuple):
    """A host (a name or an IP address) and a TCP port; port 0 stands for any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `HOST:PORT`, `[IPV6]:PORT`, or a port alone, which means the loopback interface.

        Raises:
            ConfigurationError: it has another form.
        """
        host, _, port = text.rpartition(":")
        if not port.isdecimal() or int(port) > 0xFFFF or (":" in host and not host.startswith("[")):
            raise ConfigurationError(f"the health address must be HOST:PORT, such as 127.0.0.1:7433, not {text!r}")
        return cls(host.strip("[]") or _LOOPBACK, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
