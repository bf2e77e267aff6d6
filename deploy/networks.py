"""The networks: the folders of functions/networks whose manifest has `[package.metadata.network]`.

Everything that asks which networks there are asks here: the template's generator, the tests, `make secret`.
"""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "functions" / "networks"


@dataclass(frozen=True)
class Network:
    """A network, as its manifest describes it."""

    name: str
    """The machine name, in code, paths, configuration and stored data: the folder's."""

    title: str
    """The name for people."""

    prefix: str
    """The prefix of its resources, parameters and outputs in the template."""

    endpoint: str
    """The base URL of the real network."""

    orders: str
    """The orders that concern it, after the word "orders"."""

    pattern: dict = field(hash=False)
    """The event pattern of those orders, below `detail`."""

    every_order: str = ""
    """The reason for which a shop may report every order, if it may: adds the parameter <prefix>Concerns."""

    status_poll: bool = False
    """True if the network reports a later status of what it accepted: adds a queue, a rule and a schedule."""

    capture: dict = field(default_factory=dict, hash=False)
    """The parameters of a landing page's address that are a click: members, and the marker with its value."""

    validates: bool = False
    """True if it keeps what it took as pending until the shop validates it: adds an alarm, and the sweep's right to its queue."""

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def secret_schema(self) -> dict:
        """The JSON Schema of its settings."""
        return json.loads((self.folder / "secret.schema.json").read_text())


def networks(folder: Path = FOLDER) -> list[Network]:
    """All networks, by name."""
    manifests = {path.parent.name: tomllib.loads(path.read_text()) for path in sorted(folder.glob("*/Cargo.toml"))}
    described = {name: manifest["package"].get("metadata", {}).get("network") for name, manifest in manifests.items()}
    return [Network(name=name, **said) for name, said in described.items() if said is not None]


NETWORKS = networks()
