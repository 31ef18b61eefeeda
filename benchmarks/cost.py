"""What a million predictions cost by Lambda's price formula: a price per request, and one per gigabyte-second."""

import math
from typing import Literal

from benchmarks.results import BASELINE, SKYLIFT, Cost, Series

PRICES_OF = "2024"
"""Which list the prices are from: us-east-1, first tier, no free tier, no savings plan."""

DOLLARS_PER_REQUEST = 0.20 / 1_000_000
DOLLARS_PER_GB_SECOND: dict[Literal["x86", "arm64"], float] = {"x86": 0.0000166667, "arm64": 0.0000133334}

ONE_VCPU_MB = 1769
"""With so much memory a function has one whole virtual CPU, which is what was measured on."""

SMALL_MB = 512


def costs(model: str, batch: dict[int, Series]) -> list[Cost]:
    """Costs of a model by service, architecture, instances per request and memory.

    With less memory than `ONE_VCPU_MB` a function gets less of a CPU: the duration is then taken to grow in proportion,
    which is an estimate. arm64 is taken to be as fast as what was measured on.

    Parameters
    ----------
    batch
        Microseconds per instance in the handler, by instances per request.
    """
    return [
        _cost(service, model, architecture, instances, memory, series.of(service) * instances)
        for instances, series in batch.items()
        for memory in (ONE_VCPU_MB, SMALL_MB)
        for architecture in DOLLARS_PER_GB_SECOND
        for service in (SKYLIFT, BASELINE)
    ]


def _cost(
    service: str, model: str, architecture: Literal["x86", "arm64"], instances: int, memory: int, microseconds: float
) -> Cost:
    billed = math.ceil(microseconds / 1000 * max(1.0, ONE_VCPU_MB / memory))
    per_request = DOLLARS_PER_REQUEST + memory / 1024 * billed / 1000 * DOLLARS_PER_GB_SECOND[architecture]
    return Cost(
        service=service,
        model=model,
        architecture=architecture,
        instances=instances,
        memory_mb=memory,
        billed_ms=billed,
        dollars=per_request * 1_000_000 / instances,
    )
