"""What a training runs on and how much memory it takes; nothing here imports a framework that is not loaded yet."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import threading
from functools import cache
from typing import Any, Self

import psutil

from forerun_client.values import Json

SAMPLE_SECONDS = 0.1
NVIDIA_SMI_SECONDS = 5.0
GIB = 2**30


def environment() -> Json:
    """Accelerators, cores and memory, as inputs of a run."""
    return {**_machine(), **_accelerators()}


@cache
def _machine() -> Json:
    return {
        "machine": platform.machine(),
        "n_cpus": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
    }


def _accelerators() -> Json:
    names = _torch_devices() or _nvidia_devices()
    return {"accelerator": names[0], "n_accelerators": len(names)} if names else {"n_accelerators": 0}


def _torch_devices() -> tuple[str, ...]:
    cuda = _cuda()
    return () if cuda is None else tuple(cuda.get_device_name(i) for i in range(cuda.device_count()))


def _cuda() -> Any:
    """`torch.cuda` where torch is in use and sees a device."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


@cache
def _nvidia_devices() -> tuple[str, ...]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    query = [command, "--query-gpu=name", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=NVIDIA_SMI_SECONDS, check=True).stdout  # noqa: S603  # a constant command
    except (subprocess.SubprocessError, OSError):
        return ()
    return tuple(name.strip() for name in said.splitlines() if name.strip())


class PeakMemory:
    """The most memory that this process (not its children) held while the block ran, in bytes.

    Exact when the process grew to a new maximum in it, which the system keeps; else the largest of ten samples a
    second.
    """

    def __enter__(self) -> Self:
        self._process = psutil.Process()
        self._system_before = _system_peak()
        self._sampled = self._process.memory_info().rss
        if (cuda := _cuda()) is not None:
            cuda.reset_peak_memory_stats()
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="forerun-memory", daemon=True)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._sampler.join()

    def resources(self) -> dict[str, float]:
        """As targets of a run."""
        system = _system_peak()
        process = system if system > self._system_before else self._sampled
        found = {"peak_memory_bytes": float(process)}
        if (cuda := _cuda()) is not None:
            found["peak_accelerator_memory_bytes"] = float(cuda.max_memory_allocated())
        return found

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._sampled = max(self._sampled, self._process.memory_info().rss)


def _system_peak() -> int:
    """The largest resident size of this process since it began, in bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
