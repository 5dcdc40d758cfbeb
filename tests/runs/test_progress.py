"""The progress display, with a clock of its own."""

import io

from sim.runs.progress import MonthProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines_of(months: int, seconds_a_month: float, quiet: bool = False) -> list[str]:
    clock, stream = Clock(), io.StringIO()
    with MonthProgress(months, quiet, stream, clock) as progress:
        for month in range(months):
            clock.now += seconds_a_month
            progress.advance(f"2025-{month + 1:02}", 2_000_000)
    return stream.getvalue().splitlines()


def test_a_log_gets_a_line_every_five_seconds():
    assert lines_of(12, 1.0) == [
        "2025-05  5/12 months  2,000,000 people  2.0 M agent-months/s  7 s left",
        "2025-10  10/12 months  2,000,000 people  2.0 M agent-months/s  2 s left",
    ]


def test_a_short_run_and_a_quiet_run_say_nothing():
    assert lines_of(12, 0.1) == []
    assert lines_of(12, 1.0, quiet=True) == []


def test_a_terminal_gets_a_bar():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    clock, stream = Clock(), Terminal()
    with MonthProgress(5, False, stream, clock) as progress:
        clock.now += 1
        progress.advance("2025-06", 4_000_000)
        assert stream.getvalue() == ""
        clock.now += 3
        progress.advance("2025-07", 4_000_000)
    assert "2025-07" in stream.getvalue()
    assert "2/5" in stream.getvalue()


def test_any_number_of_months_will_do():
    assert lines_of(0, 1.0) == []
