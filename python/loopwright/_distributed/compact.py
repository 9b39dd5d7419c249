"""Many small files as one a partition, in an order that depends on nothing but the rows.

The compacted file is written first, then what it holds is removed; where that is broken off, the next compaction removes
the rest. A file of a single recording counts before its rows in the compacted one, so that what was done again wins.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from . import dataset, tables
from .dataset import COMPACTED, SUGGESTIONS, TRACKS
from .storage import Storage

#: What is compacted. Features are a file of hundreds of kilobytes a recording, which is no small one.
COMPACTED_TABLES = (SUGGESTIONS, TRACKS)
#: Files read at a time: an object store answers slowly but to many at once.
_READERS = 16


def compact(storage: Storage, part: str) -> int:
    """Compacts one partition of suggestions and tracks. Gives the number of files that it put together."""
    together = 0
    for table in COMPACTED_TABLES:
        folder = dataset.folder(table, part)
        small = [n for n in storage.names(folder) if n.endswith(".parquet") and n != COMPACTED]
        if not small:
            continue
        with ThreadPoolExecutor(_READERS) as pool:
            read = list(pool.map(lambda name: storage.read(f"{folder}/{name}"), small))
        schema = tables.TRACKS if table == TRACKS else tables.SUGGESTIONS
        kept: dict[str, pa.Table] = {}
        held = storage.read(f"{folder}/{COMPACTED}")
        if held is not None:
            kept |= _by_content(tables.from_bytes(held))
        for name, content in zip(small, read):
            if content is not None:
                kept[name.removesuffix(".parquet")] = tables.from_bytes(content)
        whole = pa.concat_tables([kept[c].cast(schema) for c in sorted(kept)] or [schema.empty_table()])
        storage.write(f"{folder}/{COMPACTED}", tables.to_bytes(whole))
        for name in small:
            storage.remove(f"{folder}/{name}")
        together += len(small)
    return together


def _by_content(table: pa.Table) -> dict[str, pa.Table]:
    """The rows of each recording; those of one stand together."""
    found: dict[str, pa.Table] = {}
    contents = table.column("content").to_pylist()
    begin = 0
    for end in range(1, len(contents) + 1):
        if end == len(contents) or contents[end] != contents[begin]:
            found[contents[begin]] = table.slice(begin, end - begin)
            begin = end
    return found
