"""Shows a stored model card to the person at this machine."""

import os
import sys
import webbrowser
from pathlib import Path

from skylift.errors import ModelCardAbsent
from skylift.model_card import CARD_FILE, as_shown
from skylift.registry import Registry
from skylift.verification import Version

FOLDER = Path("build/cards")


def write_card(registry: Registry, version: Version) -> Path:
    """Write a version's card, as it is shown, where a browser finds it.

    Raises
    ------
    ModelCardAbsent
        The version was published without one.
    IntegrityError
        The stored card is not the one that was published.
    """
    manifest, name = version.manifest, version.reference.name
    if CARD_FILE not in manifest.artifacts:
        raise ModelCardAbsent(f"{name} has no model card", "an older release published it: train again")
    path = FOLDER / f"{manifest.model}-{name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_shown(registry.artifact(version, CARD_FILE), version.reference, manifest))
    return path


def open_in_browser(path: Path) -> bool:
    """Open a file in the person's browser; whether there is one."""
    variables = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # without, Linux has browsers for text only
    if sys.platform not in {"darwin", "win32"} and not any(os.environ.get(name) for name in variables):
        return False
    return webbrowser.open(path.resolve().as_uri())
