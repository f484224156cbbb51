"""Taking turns: both sides of a ratio are measured in one loop, so that noise hits both."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Line:
    """
    One target: what was measured on both sides, their ratio, and what it should be.

    `least` or `most` is the target; the one that is None is not asked. Without both it is told.
    """

    mark: str
    what: str
    ours: str
    theirs: str
    ratio: float
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        low = self.least is None or self.ratio >= self.least
        return low and (self.most is None or self.ratio <= self.most)

    @property
    def target(self) -> str:
        if self.least is None and self.most is None:
            return "none"
        return f">= {self.least:g}x" if self.least is not None else f"<= {self.most:g}x"

    @property
    def verdict(self) -> str:
        if self.target == "none":
            return ""
        return "yes" if self.holds else "no"

    def __str__(self) -> str:
        said = {"yes": "holds", "no": "DOES NOT HOLD", "": "told"}[self.verdict]
        return (
            f"{self.mark:4} {self.what}: {self.ours} against {self.theirs}: "
            f"{self.ratio:.2f}x (target {self.target}, {said})"
        )


@dataclass
class Report:
    lines: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        print(line, flush=True)


def seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turns(calls: Sequence[Callable[[], Any]], rounds: int, warm: int = 2) -> list[list[float]]:
    """Each call's times in seconds, taken one after the other in every round."""
    for call in calls:
        for _ in range(warm):
            call()
    times: list[list[float]] = [[] for _ in calls]
    gc.collect()
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            taken.append(seconds(call))
    return times


def p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]


def ms(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 10 else f"{value:.1f} s"


def faster(
    report: Report,
    mark: str,
    what: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    least: float | None = None,
    most: float | None = None,
    rounds: int = 15,
) -> None:
    """Medians of both; the ratio is theirs / ours for `least`, ours / theirs for `most`."""
    one, other = (statistics.median(times) for times in in_turns([ours, theirs], rounds))
    ratio = other / one if least is not None else one / other
    report.add(Line(mark, what, ms(one), ms(other), ratio, least, most))
