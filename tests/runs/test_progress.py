"""What is shown of a run that goes on, with a clock of its own."""

import io

from sim.runs.progress import Doing, MonthProgress, duration, expected_seconds


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(months: int, seconds_a_month: float, first: float = 0.0, **more: object) -> list[str]:
    """What a log gets of months that take so long, the first `first` seconds more."""
    clock, stream = Clock(), io.StringIO()
    with MonthProgress(months, stream=stream, clock=clock, **more) as progress:
        clock.now += first
        for month in range(months):
            clock.now += seconds_a_month
            progress.advance(f"2025-{month + 1:02}", 2_000_000)
    return stream.getvalue().splitlines()


def test_a_log_gets_a_line_every_five_seconds():
    assert lines_of(12, 1.0) == [
        "2025-05  5/12 months  2,000,000 simulated people  2.0 M agent-months/s  7 s left",
        "2025-10  10/12 months  2,000,000 simulated people  2.0 M agent-months/s  2 s left",
    ]


def test_speed_and_time_left_leave_out_what_the_first_month_took_to_compile():
    lines = lines_of(12, 1.0, first=60.0)
    assert lines[0] == "2025-01  1/12 months  2,000,000 simulated people"
    assert lines[1].endswith("2025-06  6/12 months  2,000,000 simulated people"
                             "  2.0 M agent-months/s  6 s left")  # fmt: skip


def test_other_things_than_months_are_called_by_their_name():
    clock, stream = Clock(), io.StringIO()
    with MonthProgress(20, stream=stream, clock=clock, unit="members") as progress:
        for member in range(2):
            clock.now += 6
            progress.advance(f"member {member}", 0)
    assert stream.getvalue().splitlines() == [
        "member 0  1/20 members",
        "member 1  2/20 members  108 s left",
    ]


def test_a_short_run_and_a_quiet_run_say_nothing():
    assert lines_of(12, 0.1) == []
    assert lines_of(12, 1.0, quiet=True) == []
    assert lines_of(0, 1.0) == []


def test_a_terminal_gets_a_bar_from_the_start():
    clock, stream = Clock(), Terminal()
    with MonthProgress(5, False, stream, clock) as progress:
        assert "0/5" in stream.getvalue()
        clock.now += 1
        progress.advance("2025-06", 4_000_000)
        clock.now += 3
        progress.advance("2025-07", 4_000_000)
    assert "2025-07" in stream.getvalue()
    assert "2/5" in stream.getvalue()


def test_what_goes_on_is_a_line_in_a_log_and_leaves_nothing_on_a_terminal():
    log, terminal, quiet = io.StringIO(), Terminal(), io.StringIO()
    with Doing("Drawing", stream=log), Doing("Drawing", stream=terminal), Doing("x", True, quiet):
        assert "Drawing" in terminal.getvalue()
    assert log.getvalue() == "Drawing.\n"
    assert quiet.getvalue() == ""


def test_durations_are_told_in_words():
    assert [duration(s) for s in (45, 720, 12_000)] == ["45 s", "12 min", "3 h 20 min"]


def test_time_that_a_run_will_take():
    """The main job took 167 s on two threads, the quick one 3.5 s (docs/speed.md)."""
    assert 120 < expected_seconds(8.7e6, 306, threads=2, figures=True) < 240
    assert 1 < expected_seconds(5e4, 66, threads=2, figures=False) < 6
