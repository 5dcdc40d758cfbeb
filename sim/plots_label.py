"""What a code is called in a figure, and its colour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """English and Japanese names; colour (#rrggbb) and group are empty where they mean nothing."""

    en: str
    ja: str = ""
    colour: str = ""
    group: str = ""

    def both(self, between: str = " ") -> str:
        """English then Japanese, or the one that exists."""
        return between.join(text for text in (self.en, self.ja) if text)
