"""A shop's look in its messages: what templates read as ``brand``.

Colours are ``#rrggbb``. Whatever a shop has not set has a value here, so that every template looks right without it;
the logo and the postal address are missing until somebody gives them. Anti-spam laws ask for that address in every
marketing mail (US: 15 U.S.C. 7704(a)(5)).
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

Font = Literal["system", "serif", "rounded", "mono"]
FONTS: dict[Font, str] = {
    "system": "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif",
    "serif": "Georgia,'Times New Roman',Times,serif",
    "rounded": "'Trebuchet MS','Lucida Grande','Segoe UI',Verdana,sans-serif",
    "mono": "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace",
}
"""Stacks of fonts that mail programs have; they load none from the web."""

_LIGHT, _DARK = "#ffffff", "#17171f"
_MIDDLE_LUMINANCE = 0.179
"""Above this black text has the better contrast, below it white (WCAG 2.2, contrast ratio)."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The look of one shop."""

    accent: str = "#17171f"
    background: str = "#f4f4f6"
    font: Font = "system"
    logo_url: str | None = None
    address: str | None = None

    def as_context(self) -> dict[str, Any]:
        """The ``brand`` entry of a context."""
        values = {
            "accent": self.accent,
            "on_accent": on(self.accent),
            "background": self.background,
            "on_background": on(self.background),
            "font": FONTS[self.font],
            "logo_url": self.logo_url,
            "address": self.address,
        }
        return {name: value for name, value in values.items() if value}


PLAIN = Brand()
"""The look of a shop that has set none."""

FIELDS = frozenset({"accent", "on_accent", "background", "on_background", "font", "logo_url", "address"})
FONT_NAMES: tuple[Font, ...] = get_args(Font)


def on(colour: str) -> str:
    """The colour of text that is read best on this one: near-black or white."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _DARK if luminance > _MIDDLE_LUMINANCE else _LIGHT
