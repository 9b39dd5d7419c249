"""The dataset's rows as Parquet. The same rows give the same bytes, with one version of pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

_TEXT, _INT, _REAL, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()

#: A row a recording.
TRACKS = pa.schema(
    [
        ("content", _TEXT),
        ("status", _TEXT),
        ("detail", _TEXT),
        ("error", _TEXT),
        ("warnings", pa.list_(_TEXT)),
        ("bytes", _INT),
        ("seconds", _REAL),
        ("sample_rate", _INT),
        ("channels", _INT),
        ("bpm", _REAL),
        ("beats_per_bar", _INT),
        ("constant_tempo", _BOOL),
        ("grid_confidence", _REAL),
        ("key", _TEXT),
        ("suggestions", _INT),
        ("candidates", _INT),
    ]
)

#: A row a loop: the columns of ``all_loops.csv`` that tell of neither a file nor a feature, under the same names.
SUGGESTIONS = pa.schema(
    [
        ("content", _TEXT),
        ("number", _INT),
        ("start_time", _REAL),
        ("end_time", _REAL),
        ("bars", _INT),
        ("score", _REAL),
        ("score_prob", _REAL),
        ("score_rank", _INT),
        ("score_share", _REAL),
        ("candidate", _INT),
        ("bpm", _REAL),
        ("beats", _INT),
        ("beats_per_bar", _INT),
        ("key", _TEXT),
        ("grid_confidence", _REAL),
        ("sample_rate", _INT),
        ("start_frame", _INT),
        ("frames", _INT),
        ("snap_ms", _REAL),
        ("seam_ratio_before", _REAL),
        ("seam_ratio", _REAL),
        ("seam_energy_db", _REAL),
        ("crossfade_ms", _REAL),
        ("gain_db", _REAL),
        ("clipped_samples", _INT),
        ("reasons", _TEXT),
        ("audio_id", _TEXT),
    ]
)

#: A row a name.
SOURCES = pa.schema(
    [
        ("uri", _TEXT),
        ("name", _TEXT),
        ("content", _TEXT),
        ("bytes", _INT),
        ("fingerprint", _TEXT),
        ("status", _TEXT),
        ("suggestions", _INT),
        ("candidates", _INT),
        ("error", _TEXT),
    ]
)

#: Columns of the features before the features themselves.
_OF_CANDIDATE = ("content", "candidate", "start_time", "end_time", "bars")


def of_rows(schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table of dicts; what a dict lacks is null, what a schema lacks is left out."""
    rows = list(rows)
    columns = [pa.array([_clean(row.get(f.name)) for row in rows], f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _clean(value: Any) -> Any:
    """Text that UTF-8 can hold: a lone surrogate of a hostile name or tag becomes U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if not _is_plain(value) else value
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    return value


def _is_plain(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def of_features(
    content: str, names: Sequence[str], values: npt.NDArray[np.float32], table: npt.NDArray[np.void]
) -> pa.Table:
    """The features of a recording's candidates: ``values`` of shape ``[candidates, names]``; NaN becomes null."""
    rows = len(table)
    columns: list[pa.Array] = [
        pa.array([content] * rows, _TEXT),
        pa.array(np.arange(rows), _INT),
        pa.array(np.ascontiguousarray(table["start_time"]), _REAL),
        pa.array(np.ascontiguousarray(table["end_time"]), _REAL),
        pa.array(table["bars"].astype(np.int64), _INT),
    ]
    kept = [i for i, name in enumerate(names) if name not in _OF_CANDIDATE]
    planes = np.ascontiguousarray(np.asarray(values, dtype=np.float32).reshape(rows, len(names)).T)
    columns += [pa.array(planes[i], pa.float32(), mask=np.isnan(planes[i])) for i in kept]
    return pa.Table.from_arrays(columns, names=[*_OF_CANDIDATE, *(names[i] for i in kept)])


def to_bytes(table: pa.Table, group_rows: int = 1 << 16) -> bytes:
    """The table as a Parquet file: zstd; nothing tells when it was written, or where."""
    sink = io.BytesIO()
    with writer(sink, table.schema) as out:
        out.write_table(table.combine_chunks(), row_group_size=group_rows)
    return sink.getvalue()


def writer(sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """What writes a file of rows of ``schema`` into ``sink``."""
    named = [f.name for f in schema if f.type == _TEXT]
    # Statistics and the Arrow schema would be two thirds of a small file of 300 columns; nothing filters by a feature.
    few = len(schema) < 64
    return pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        use_dictionary=named or False,
        write_statistics=True if few else ["content", "start_time", "end_time", "bars"],
        store_schema=False,
    )


def from_bytes(content: bytes) -> pa.Table:
    """A Parquet file's table."""
    return pq.read_table(pa.BufferReader(content))


def rows(content: bytes) -> list[dict[str, Any]]:
    """A Parquet file's rows."""
    told: list[dict[str, Any]] = from_bytes(content).to_pylist()
    return told


def column(content: bytes, name: str) -> list[Any]:
    """One column of a Parquet file."""
    told: list[Any] = pq.read_table(pa.BufferReader(content), columns=[name]).column(name).to_pylist()
    return told
