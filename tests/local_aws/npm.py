"""Programs from npm, for tests alone: installed once into .local, with the machine's own Node.js."""

import shutil
import subprocess
from pathlib import Path

from build import LOCAL
from needed import lacking


def installed(*packages: str) -> Path:
    """The folder with these packages (`name@version`). Ends the test, with the reason, where they are not to be had."""
    folder = LOCAL / "npm" / "-".join(package.replace("/", "_") for package in packages)
    if not (folder / "complete").exists():
        if not (shutil.which("node") and shutil.which("npm")):
            lacking("no node and npm on this machine")
        command = ["npm", "install", "--prefix", str(folder), "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", *packages]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lacking(f"npm could not install {', '.join(packages)}: {done.stderr.strip()[-200:]}")
        (folder / "complete").touch()
    return folder / "node_modules"
