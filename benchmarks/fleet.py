"""A fleet of environments that read one pointer, by discrete events: what SSM's limit of reads does to it.

SSM is a bucket of tokens; the pace of an environment is the service's own `RefreshPolicy`. Every environment always has
requests, so it reads when a reading is due; a reading is up to two calls, as the service's client tries twice.
"""

import heapq
import math
import random
from dataclasses import dataclass, field

from benchmarks.token_bucket import TokenBucket
from inference.refresh_policy import RefreshPolicy

_TRIES = 2


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to a fleet.

    Parameters
    ----------
    environments
        Number of environments.
    reads_per_second
        Rate that SSM allows; its bucket holds as many.
    starts_within
        Seconds in which the environments start, evenly.
    outage
        Seconds at which SSM stops answering and at which it answers again; None for never.
    promoted_at
        Seconds at which the pointer moves.
    seconds
        Length of the simulation.
    refresh_seconds, max_pointer_age
        Settings of the service.
    backs_off
        Whether environments ask less when throttled; without it, they are what they were before.
    """

    environments: int
    reads_per_second: float = 40
    starts_within: float = 15
    outage: tuple[float, float] | None = None
    promoted_at: float = 1200
    seconds: float = 2400
    refresh_seconds: float = 15
    max_pointer_age: float | None = None
    backs_off: bool = True


@dataclass(slots=True)
class Outcome:
    """What became of it.

    Parameters
    ----------
    calls, throttled
        Calls to SSM in the second half of the time before the move, and those refused.
    first_read
        Seconds from each environment's start to its first reading.
    followed
        Seconds from the move to each environment's reading of it.
    oldest
        Largest age in seconds that the pointer reached in any environment before it was read again.
    too_old
        Number of environments whose pointer was too old at some time.
    """

    calls: int = 0
    throttled: int = 0
    first_read: list[float] = field(default_factory=list)
    followed: list[float] = field(default_factory=list)
    oldest: float = 0.0
    too_old: int = 0


class _Environment:
    """One environment; its readings begin at `began`."""

    def __init__(self, scenario: Scenario, started: float, draws: random.Random) -> None:
        self.policy = RefreshPolicy(scenario.refresh_seconds, scenario.max_pointer_age, uniform=draws.uniform)
        self.began = self.started = started
        self.tries = 0
        self.read_at: float | None = None
        self.followed = self.too_old = False


def simulate(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """Run a scenario.

    Parameters
    ----------
    seed
        Seed of the starts and of the jitter.
    """
    draws = random.Random(seed)
    bucket, outcome = TokenBucket(scenario.reads_per_second), Outcome()
    starts = [draws.uniform(0, scenario.starts_within) for _ in range(scenario.environments)]
    fleet = [_Environment(scenario, start, draws) for start in starts]
    events = [(environment.started, number) for number, environment in enumerate(fleet)]
    heapq.heapify(events)
    while (event := events[0])[0] < scenario.seconds:
        now, number = event
        heapq.heapreplace(events, (_read(fleet[number], now, scenario, bucket, outcome, draws), number))
    outcome.followed += [math.inf] * (scenario.environments - len(outcome.followed))
    outcome.first_read += [math.inf] * (scenario.environments - len(outcome.first_read))
    outcome.too_old = sum(environment.too_old for environment in fleet)
    return outcome


def _read(
    environment: _Environment,
    now: float,
    scenario: Scenario,
    bucket: TokenBucket,
    outcome: Outcome,
    draws: random.Random,
) -> float:
    """Let an environment call SSM once, and return the time of its next call."""
    policy = environment.policy
    if environment.tries == 0:
        environment.began = now
    if scenario.outage and scenario.outage[0] <= now < scenario.outage[1]:
        _note_age(environment, now, outcome)
        environment.tries = 0
        policy.failed()
        return now + policy.until_next()
    granted, counts = bucket.take(now), scenario.promoted_at / 2 <= now < scenario.promoted_at
    outcome.calls += counts
    outcome.throttled += counts and not granted
    if not granted and environment.tries + 1 < _TRIES:
        environment.tries += 1
        return now + draws.random()
    environment.tries = 0
    _note_age(environment, now, outcome)
    if granted:
        _note_reading(environment, now, scenario, outcome)
        policy.answered()
    elif scenario.backs_off:
        policy.throttled()
    return max(now, environment.began + policy.until_next_after_end())


def _note_age(environment: _Environment, now: float, outcome: Outcome) -> None:
    age = now - (environment.started if environment.read_at is None else environment.read_at)
    outcome.oldest = max(outcome.oldest, age)
    environment.too_old |= environment.policy.too_old(age)


def _note_reading(environment: _Environment, now: float, scenario: Scenario, outcome: Outcome) -> None:
    if environment.read_at is None:
        outcome.first_read.append(now - environment.started)
    environment.read_at = now
    if now >= scenario.promoted_at and not environment.followed:
        environment.followed = True
        outcome.followed.append(now - scenario.promoted_at)
