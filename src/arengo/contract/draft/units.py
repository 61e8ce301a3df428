# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Units that stand in a header: ``PM10 (µg/m³)``, ``superficie_m2``, ``Importe [€]``."""

from __future__ import annotations

import re

from arengo.contract.draft.numbers import CURRENCY, UNITS

_BRACKETS = re.compile(r"[(\[]\s*(?:en |in |em |w )?([^()\[\]]{1,15}?)\s*[)\]]")
_ENDINGS = {
    "m2": "m²", "m3": "m³", "km2": "km²", "km": "km", "ha": "ha", "eur": "EUR", "euros": "EUR", "euro": "EUR", "usd": "USD", "gbp": "GBP", "pct": "%",
    "percent": "%", "porcentaje": "%", "kwh": "kW.h", "mwh": "MW.h", "kw": "kW", "kg": "kg", "celsius": "°C", "kmh": "km/h", "pln": "PLN", "mm": "mm",
    "cm": "cm", "hpa": "hPa", "db": "dB", "dba": "dB(A)", "μg": "µg", "sqm": "m²",
}  # fmt: skip
_TAIL = re.compile(r"(?:^|[_ /])((?:u|µ|μ|m|n)?g/m(?:3|³)|um/dl|mg/l|km/h|m/s|l/s|µg/m3)$", re.IGNORECASE)


def unit(name: str, caption: str = "") -> str:
    """Unit named in a header or its caption, '' when none."""
    for text in (name, f"({caption})" if caption and len(caption) <= 15 else ""):
        for inside in _BRACKETS.findall(text):
            low = inside.casefold().strip(". ")
            if (
                low in UNITS
                or low.replace(" ", "") in UNITS
                or re.fullmatch(r"[µμumkn]?g/m\s?[3³]|°?\s?[cf]|hab\.?/k?m[2²]|[€$£¥₩]|‰", low)
            ):
                return str(CURRENCY.get(low) or inside.strip()).replace("m3", "m³").replace("m2", "m²")
            if low in CURRENCY and low in (
                "eur",
                "euro",
                "euros",
                "€",
                "usd",
                "gbp",
                "chf",
                "pln",
                "kč",
                "zł",
                "원",
                "円",
                "元",
            ):
                return CURRENCY[low]
    found = _TAIL.search(name)
    if found:
        return found[1].replace("ug", "µg").replace("m3", "m³")
    last = re.split(r"[_\s]", name.strip())[-1].casefold()
    if "_" in name and last in _ENDINGS:
        return _ENDINGS[last]
    if name.strip().startswith("%") or name.strip().endswith("%"):
        return "%"
    if re.search(r"[€]\s*$", name):
        return "EUR"
    return ""
