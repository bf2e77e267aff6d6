"""Programs from npm, for tests alone: installed once into .local by their hashes, with the machine's own Node.js."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from build import LOCAL, ROOT
from needed import lacking

WANTED = [ROOT / "tests/local_aws/node" / name for name in ("package.json", "package-lock.json")]


def installed() -> Path:
    """The folder with the packages of node/package-lock.json. Ends the test, with the reason, where they are not to be had."""
    if not (shutil.which("node") and shutil.which("npm")):
        lacking("no node and npm on this machine")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in WANTED)).hexdigest()
    folder = LOCAL / "npm" / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Tests run beside each other, and npm begins by deleting what is there.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for path in WANTED:
                shutil.copy(path, folder)
            command = ["npm", "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                lacking(f"npm could not install what node/package-lock.json names: {done.stderr.strip()[-200:]}")
            (folder / "complete").touch()
    return folder / "node_modules"
