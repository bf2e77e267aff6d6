"""The shop systems: the folders of functions/platforms whose manifest has `[package.metadata.platform]`.

Everything that asks which shop systems there are asks here: the template's generator, the tests, `make secret`.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from networks import ROOT

FOLDER = ROOT / "functions" / "platforms"


@dataclass(frozen=True)
class Setting:
    """A setting of the template, and of the function's environment."""

    name: str
    values: list[str]
    """The values that it may have: the first is the default."""
    description: str

    @property
    def variable(self) -> str:
        """Its name in the function's environment: OrderId is ORDER_ID."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).upper()


@dataclass(frozen=True)
class Platform:
    """A shop system, as its manifest describes it."""

    name: str
    """The machine name: the folder's, and the last part of the webhook's path."""

    title: str
    """The name for people."""

    prefix: str
    """The prefix of its resources, parameters and outputs in the template."""

    events: dict = field(default_factory=dict, hash=False)
    """The source and the detail type of the events that it puts on a bus itself, if it does."""

    ping: bool = False
    """True if it tries the webhook's address out with a message that is not signed."""

    unread: str = ""
    """The reason for which messages are ignored whose content another webhook brings, if there are such."""

    lone_refunds: bool = False
    """True if a message of a refund comes without its order: something is kept of each order for it."""

    settings: list = field(default_factory=list, hash=False)
    """Its settings: a parameter each."""

    @property
    def folder(self) -> Path:
        return FOLDER / self.name


def platforms(folder: Path = FOLDER) -> list[Platform]:
    """All shop systems, by name."""
    manifests = {path.parent.name: tomllib.loads(path.read_text()) for path in sorted(folder.glob("*/Cargo.toml"))}
    described = {name: manifest["package"].get("metadata", {}).get("platform") for name, manifest in manifests.items()}
    given = {name: said | {"settings": [Setting(**each) for each in said.get("settings", [])]} for name, said in described.items() if said}
    return [Platform(name=name, **said) for name, said in given.items()]


PLATFORMS = platforms()
