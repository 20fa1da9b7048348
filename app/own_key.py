"""The key of an embedded database: made at the first start, kept beside the data that it opens."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from cryptography.fernet import Fernet

from app.embedded import EmbeddedError
from app.settings import require_keys

FILE: Final = "secrets.key"


def own_key(data_dir: Path) -> str:
    """The key in the folder, which only the owner can read. Whoever calls has the folder to himself.

    Raises EmbeddedError where the file holds something else: a new key would make the secrets there unreadable.
    """
    path = data_dir / FILE
    try:
        if not path.exists():
            _write(path, Fernet.generate_key())
        key = path.read_text().strip()
        require_keys([key])
    except ValueError:
        raise EmbeddedError(f"{path} holds no key; put the right one there, or remove it") from None
    except OSError as error:
        raise EmbeddedError(f"cannot keep a key in {path}: {error.strerror}") from error
    return key


def _write(path: Path, key: bytes) -> None:
    """All of it or nothing, whatever happens in the middle."""
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:  # mode 0600
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
