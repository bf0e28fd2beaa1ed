"""Jobs that fork. The parent notes how its child has ended, and the child what it does."""

import logging
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import NoReturn

import redis

import teep

# From Python 3.12 on a fork beside threads warns; jobs that fork are what this is about.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
_redis = redis.Redis.from_url(os.environ["REDIS_URL"])


def _child_ends(way: str) -> str:
    _redis.rpush("children", os.getpid())
    if way == "sys.exit":
        print("from the child", end="")
        sys.exit(3)
    if way == "sys.exit with a sentence":
        sys.exit("the child's last words")
    if way == "raise":
        raise ValueError("the child's own failure")
    if way == "os._exit":
        os._exit(4)
    return way


def _await_child(pid: int) -> None:
    _redis.rpush("noted", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


@teep.job(name="fork")
def fork(way: str) -> None:
    """Fork; the child ends in some way."""
    pid = os.fork()
    if pid == 0:
        _child_ends(way)
    else:
        _await_child(pid)


@teep.job(name="fork_async")
async def fork_async(way: str) -> None:
    """The same on the loop."""
    pid = os.fork()
    if pid == 0:
        _child_ends(way)
    else:
        _await_child(pid)


class ForkInItems(teep.IterableJob, name="fork_in_items"):
    """Fork in the first of three items; the child goes on from there."""

    def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        return self.array_enumerator(range(3), cursor=cursor)

    def each_iteration(self, number: int) -> None:
        pid = os.fork() if number == 0 else 1
        if pid > 1:
            _await_child(pid)
        _redis.rpush("items", f"{number} by {os.getpid()}")


@teep.job(name="push_from_child")
def push_from_child() -> None:
    """Fork; the child logs, and pushes a job."""
    pid = os.fork()
    if pid == 0:
        logging.getLogger("tests.jobs").warning("a line of the child")
        fork.perform_async("os._exit")
    else:
        _await_child(pid)


@teep.job(name="terminate")
def terminate() -> None:
    """End a child process by TERM."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    child.terminate()
    child.join(10)
    _redis.rpush("noted", str(child.exitcode))
    child.kill()


@teep.job(name="use_pool")
def use_pool() -> None:
    """Leave a pool whose workers are busy, which terminates them."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.apply_async(time.sleep, (60,))
        _redis.rpush("noted", pool.apply(sum, ([1, 2],)))
    _redis.rpush("noted", "left")


@teep.job(name="run_program")
def run_program(words: Sequence[str]) -> None:
    """Run a program, with a fork of Python's own before it."""
    _redis.rpush("noted", subprocess.run(words, preexec_fn=os.getpid, check=False).returncode)


def _fork_in_handler(error: BaseException, _context: object) -> None:
    if str(error) != "to be forked at":
        return
    pid = os.fork()
    if pid == 0:
        _redis.rpush("children", os.getpid())
        sys.exit(5)
    _await_child(pid)


teep.configure().error_handlers.append(_fork_in_handler)


@teep.job(name="fail_and_fork", retry=False)
def fail_and_fork() -> NoReturn:
    """Fail, where an error handler forks."""
    raise ValueError("to be forked at")


@teep.job(name="hold_on")
def hold_on(seconds: float) -> None:
    """Fork; the child outlives the job, and what it was forked from."""
    if os.fork() == 0:
        _redis.rpush("children", os.getpid())
        time.sleep(seconds)
        os._exit(0)
