"""One training run in several processes, as torchrun starts them: FSDP2 shards the network, each process has its clips.

Every process draws the same random numbers for the whole batch of a step and keeps its own rows; sums over the batch
are divided by counts over all processes. So the losses and weights are those of one process up to rounding (measured
for two after 20 to 40 steps: losses within 1e-5, weights within 1e-3 of their length), and what is saved is whole: a
run goes on in any number of processes. All of them must see the same files. Alone, everything here does nothing.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError

_LONGEST_WAIT = timedelta(days=1)  # the others wait while the first one encodes the tables


def rank() -> int:
    """This process's number; process 0 writes and prints."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """Processes of this run."""
    return dist.get_world_size() if dist.is_initialized() else 1


def are_on_one_machine() -> bool:
    return count() == 1 or int(os.environ.get("LOCAL_WORLD_SIZE", count())) == count()


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun started: gloo for tensors on a CPU, NCCL for those on a GPU.

    Raises WorldsimError where one that others waited for is gone.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_LONGEST_WAIT)
    try:
        yield
    except RuntimeError as error:
        if not _is_lost_connection(error):
            raise
        raise WorldsimError(
            f"process {rank()} of {count()} lost another one, which was killed or whose machine is gone; the same "
            "command goes on from the last state that was saved."
        ) from error
    # After an error the process ends, and torchrun ends the others: there is nobody left to take leave of.
    dist.destroy_process_group()


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """For what makes files unless they are there: process 0 makes them, then the others find them."""
    if rank() > 0:
        dist.barrier()
    yield
    if rank() == 0 and count() > 1:
        dist.barrier()


def _is_lost_connection(error: RuntimeError) -> bool:
    # gloo's errors are plain RuntimeErrors.
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def is_first_to_fail() -> bool:
    """Whether no other process of this run has said yet what went wrong; asks the store that torchrun keeps."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    try:
        store = dist.TCPStore(address, port, is_master=False, timeout=timedelta(seconds=5))
        return store.add(f"worldsim/failed/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", 1) == 1
    except RuntimeError:
        return True


# -- batches ----------------------------------------------------------------------------------------------------------


def require_divisible(name: str, value: int) -> None:
    """WorldsimError for a batch that the processes cannot share evenly."""
    if value % count():
        least = value + count() - value % count()
        raise WorldsimError(
            f"{name}={value} cannot be divided among {count()} processes; choose {name}={least}, or as many processes "
            f"as divide {value}."
        )


def own_rows(x_N: Tensor) -> Tensor:
    """Of what was drawn for all clips of a step, the rows of this process's clips; see ``ClipReader``'s ``share``."""
    return x_N[rank() :: count()] if count() > 1 else x_N


def mean(x: Tensor) -> Tensor:
    """Over the processes; no gradient goes through it."""
    if count() == 1:
        return x
    x = x.detach().clone()
    dist.all_reduce(x)
    return x / count()


# -- networks ---------------------------------------------------------------------------------------------------------


def shard(model: nn.Module, groups: Sequence[Sequence[nn.Module]], methods: Sequence[str]) -> None:
    """Divide weights, gradients and optimiser state among the processes (FSDP2).

    Each of ``groups`` is gathered when its first module is called and let go after its last one; all other weights are
    gathered for the whole step. ``methods`` are those that training calls in place of ``forward``.
    """
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    # FSDP warns of in-place changes to what a layer returned; the network makes none.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    mesh = dist.init_device_mesh(next(model.parameters()).device.type, (count(),))
    for group in groups:
        fully_shard(list(group), mesh=mesh)
    fully_shard(model, mesh=mesh)
    for method in methods:
        register_fsdp_forward_method(model, method)


def whole(x: Tensor) -> Tensor:
    """A sharded tensor as a plain one; every process must ask for it."""
    return x.full_tensor() if _is_sharded(x) else x  # type: ignore[attr-defined]


def sharded_like(x: Tensor, other: Tensor) -> Tensor:
    """A plain tensor that all have, on the device of ``other``; where that is sharded, this process's part."""
    x = x.to(other.device)
    if not _is_sharded(other):
        return x
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(x, other.device_mesh, other.placements, src_data_rank=None)  # type: ignore[attr-defined]


def _is_sharded(x: Tensor) -> bool:
    if count() == 1:
        return False
    from torch.distributed.tensor import DTensor

    return isinstance(x, DTensor)
