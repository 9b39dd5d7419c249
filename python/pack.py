"""Packs an extension that is built already into a wheel, for tests: ``pack.py LIBRARY FOLDER`` prints the wheel's path.

A wheel for users is built by maturin, in release: see pyproject.toml. That builds what lies beneath the extension with other
features than the workspace's tests have it, which takes minutes; this takes a second, and what it packs is the same package.
Needs nothing but Python.
"""

import base64
import hashlib
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: As pyproject.toml has it; a test compares them.
REQUIRES = ["numpy>=1.23"]


def version() -> str:
    """The workspace's version."""
    text = (HERE.parent / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise SystemExit("Cargo.toml has no version")
    return found.group(1)


def pack(library: Path, folder: Path) -> Path:
    """Writes the wheel and gives its path."""
    name = f"loopwright-{version()}"
    tag = f"cp310-abi3-{re.sub('[.-]', '_', sysconfig.get_platform())}"
    extension = "_loopwright.pyd" if library.suffix == ".dll" else "_loopwright.abi3.so"
    sources = [p for p in sorted((HERE / "loopwright").rglob("*")) if p.suffix in (".py", ".pyi") or p.name == "py.typed"]
    files = [(p.relative_to(HERE).as_posix(), p.read_bytes()) for p in sources]
    files.append((f"loopwright/{extension}", library.read_bytes()))
    told = f"Metadata-Version: 2.1\nName: loopwright\nVersion: {version()}\nRequires-Python: >=3.10\n"
    told += "".join(f"Requires-Dist: {one}\n" for one in REQUIRES)
    files.append((f"{name}.dist-info/METADATA", told.encode()))
    files.append(
        (
            f"{name}.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: pack.py\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
        )
    )
    record = ""
    for path, content in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files.append((f"{name}.dist-info/RECORD", f"{record}{name}.dist-info/RECORD,,\n".encode()))
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{tag}.whl"
    partial = wheel.with_suffix(".tmp")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for path, content in files:
            info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (0o755 if path.endswith((".so", ".pyd")) else 0o644) << 16
            archive.writestr(info, content)
    partial.replace(wheel)
    return wheel


if __name__ == "__main__":
    print(pack(Path(sys.argv[1]), Path(sys.argv[2])))
