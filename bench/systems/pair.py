"""Runs the given command twice, and passes TERM on: `python -m bench.systems.pair COMMAND…`."""

import signal
import subprocess
import sys
from types import FrameType


def main() -> None:
    pair = [subprocess.Popen(sys.argv[1:]) for _ in range(2)]

    def end(number: int, _frame: FrameType | None) -> None:
        for process in pair:
            process.send_signal(number)

    signal.signal(signal.SIGTERM, end)
    sys.exit(max(process.wait() for process in pair))


if __name__ == "__main__":
    main()
