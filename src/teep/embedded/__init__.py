"""The embedded server: one real Valkey server a data folder, shared by every process that uses the folder.

`acquire()` makes sure that it runs and holds a lease on it. The server listens on a unix socket only, keeps
an append-only file, outlives the process that started it, and stops by itself once nobody has used it for two
seconds.

The processes agree by `flock` on four files in the data folder, since the kernel drops such locks when
their holder dies, however it dies:

- `users.lock`: held, shared, by every process with a lease, so that the server is known to be in use; held
  alone by the keeper while it stops the server.
- `start.lock`: held by the one process that finds out whether the server runs, and has it started if not.
- `keeper.lock`: held by the keeper, a small process that starts, restarts and stops the server. Its standby
  waits for this lock, and takes over when the keeper is killed.
- `server.lock`: held by the server itself, which inherits it from the keeper: two never write the same data.

If keeper, standby and all users are killed in one instant, the server runs on until the next `acquire()`
of the folder finds it, and stops with that lease.

The folder must be on a local file system: network file systems have neither unix sockets nor reliable locks.
"""

from teep.embedded.binary import INSTALL, is_available
from teep.embedded.folder import data_dir
from teep.embedded.lease import Lease, acquire

__all__ = ["INSTALL", "Lease", "acquire", "data_dir", "is_available"]
