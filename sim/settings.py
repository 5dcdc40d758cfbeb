"""What may be set from the command line, and the list of it that `kyosei run --help` shows.

Reads configs/ as text only: neither Hydra nor the model is needed to print a help page.
"""

import re
from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# A sweep may choose and tune how its jobs are launched, and nothing else of Hydra's own.
_LAUNCHER = re.compile(r"hydra/launcher|hydra\.launcher\.[\w.]+|hydra\.sweeper\.max_batch_size")
_CODE_KEYS = ("_target_", "_args_", "_partial_", "_convert_", "_recursive_")
_GROUP_LINE = re.compile(r"\s+- (?:override )?/?([a-z_]+)(?:@[\w.]+)?: (\S+)")
_VALUE_LINE = re.compile(r"([a-z_]+):\s*([^#]*?)\s*(?:#\s*(.*))?$")


def configs_folder() -> Path:
    """Where the configuration lies: inside an installed package, else beside it in a checkout."""
    installed = PACKAGE / "_configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def check_overrides(overrides: Sequence[str], sweep: bool) -> list[str]:
    """What is wrong with the words after `kyosei run`, one sentence each; [] if nothing.

    They are data: they may not reach Hydra's own settings, name Python objects, or look up
    environment variables.
    """
    problems = []
    for word in overrides:
        key = word.lstrip("+~").partition("=")[0].partition("@")[0]
        if "=" not in word and not word.startswith("~"):
            problems.append(f"{word} is not a setting: write it as name=value")
        elif re.match(r"hydra\b", key) and not (sweep and _LAUNCHER.fullmatch(key)):
            problems.append(
                f"{word}: Hydra's own settings cannot be changed here"
                " (a sweep may set hydra/launcher and hydra.launcher.*)"
            )
        elif any(code in word for code in _CODE_KEYS):
            problems.append(f"{word}: a setting cannot name Python code")
        elif "${" in word:
            problems.append(f"{word}: write the value itself, not ${{...}}")
    return problems


def settings_help() -> str:
    """The top-level settings with their defaults, and the choices of each group, as text."""
    folder = configs_folder()
    try:
        lines = (folder / "config.yaml").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"settings: {folder / 'config.yaml'} could not be read\n"
    rows = [_value_row(line) for line in lines] + [_group_row(folder, line) for line in lines]
    return "settings and their defaults:\n" + "".join(row for row in rows if row)


def _value_row(line: str) -> str:
    match = _VALUE_LINE.match(line)
    if match is None or match[1] in ("defaults", "hydra", "schema"):
        return ""
    return f"  {match[1] + '=' + match[2]:28} {match[3] or ''}".rstrip() + "\n"


def _group_row(folder: Path, line: str) -> str:
    match = _GROUP_LINE.match(line)
    if match is None or not (folder / match[1]).is_dir():
        return ""
    choices = ", ".join(sorted(path.stem for path in (folder / match[1]).glob("*.yaml")))
    return f"  {match[1] + '=' + match[2]:28} one of: {choices}\n"
