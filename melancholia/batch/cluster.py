"""A dask cluster as whoever works on a batch: its scheduler by address, its workers as many tasks as they have threads.

Sources and the output folder lie where every worker finds them under the same names (a shared file system), and every
worker has the same versions of what makes the sound: both are asked before work begins.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melancholia.errors import InputError, MelancholiaError, one_line
from melancholia.recipe import versions

if TYPE_CHECKING:
    from melancholia.batch.driver import Executor

EXTRA = "melancholia[batch]"
LONGEST_WAIT_S = 10.0  # for the scheduler, and for a first worker


@dataclass(frozen=True, slots=True)
class Cluster:
    """An executor, and how many tasks its workers do at a time."""

    executor: "Executor"
    at_once: int


@contextmanager
def cluster(address: str, *places: Path) -> Iterator[Cluster]:
    """The cluster whose scheduler is at an address, as ``tcp://10.0.0.1:8786``.

    Parameters
    ----------
    places : paths
        What every worker must find.

    Raises
    ------
    InputError
        dask is not installed, nobody answers at the address, no worker is there, or one has other versions or does not
        find a place.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(f"a cluster needs dask; allowed: pip install '{EXTRA}', or no --dask.") from error
    for name in ("distributed", *(name for name in logging.root.manager.loggerDict if name.startswith("distributed."))):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they speak of each worker that comes and goes
    try:
        client: Any = Client(address, timeout=LONGEST_WAIT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"{address} cannot be reached: {one_line(error)}; allowed: a dask scheduler, as tcp://10.0.0.1:8786."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=LONGEST_WAIT_S)
        except TimeoutError as error:
            raise InputError(
                f"{address} has no workers; allowed: a scheduler with some (dask worker {address})."
            ) from error
        try:
            check(client.run(facts, [str(place) for place in places]), [str(place) for place in places])
        except ModuleNotFoundError as error:
            raise InputError(
                f"a worker lacks {error.name}; allowed: workers with this version of melancholia."
            ) from error
        except OSError as error:
            raise MelancholiaError(f"the cluster at {address} is gone: {one_line(error)}.") from error
        with client.get_executor(pure=False) as executor:
            yield Cluster(executor, sum(client.nthreads().values()))


def facts(places: list[str]) -> tuple[dict[str, str], list[bool]]:
    """On a worker: its versions, and whether it finds each place."""
    return versions(), [Path(place).exists() for place in places]


def check(found: Mapping[str, tuple[dict[str, str], list[bool]]], places: list[str]) -> None:
    """Refuse workers that would make other sound, or not find what they work on."""
    ours = versions()
    for worker, (theirs, seen) in found.items():
        for name, version in ours.items():
            if theirs.get(name) != version:
                said = f"{worker} has {name} {theirs.get(name)}, here it is {version}"
                raise InputError(f"worker {said}; allowed: the same everywhere.")
        for place, there in zip(places, seen, strict=True):
            if not there:
                raise InputError(f"worker {worker} does not find {place}; allowed: a file system that all share.")
