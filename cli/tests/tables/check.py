"""Reads every Parquet table under a folder with pyarrow and with DuckDB, and compares it with the CSV of the same name.

    check.py FOLDER

Row counts, column names, types, and every cell. Tables of one name (one a track) must have one schema, so that all of them can be
queried at once. Ends with 1 and says what is wrong, or prints what was compared.
"""

from __future__ import annotations

import csv
import struct
import sys
from collections import defaultdict
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

# First characters that a spreadsheet takes for a formula's: the CSV has an apostrophe before them, Parquet has not.
FORMULA = "=+-@\t\r\n\0＝＋－＠"
TYPES = {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.float32(): "FLOAT", pa.bool_(): "BOOLEAN"}


class Wrong(Exception):
    """What is not as it should be."""


def unguarded(field: str) -> str:
    """The text of a CSV field as it was before it was guarded."""
    bare = field.lstrip("'")
    return field[1:] if field.startswith("'") and bare[:1] and bare[0] in FORMULA else field


def expected(field: str, kind: pa.DataType) -> object:
    """The value that a CSV field stands for in a column of this type; nothing where it is empty."""
    if kind == pa.string():
        return unguarded(field)
    if kind == pa.int64():
        return int(field)
    if kind == pa.bool_():
        return {"true": True, "false": False}[field]
    if kind == pa.float32():
        return struct.unpack("f", struct.pack("f", float(field)))[0]
    return float(field)


def compare(path: Path, database: duckdb.DuckDBPyConnection) -> tuple[pa.Schema, int]:
    """Compares one table with its CSV; gives its schema and how many cells there are."""
    with open(path.with_suffix(".csv"), encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    table = pq.read_table(path)
    names = [unguarded(name) for name in header]
    # The corner of a matrix has no name in the CSV.
    if names[0] == "":
        names[0] = table.column_names[0]
    if table.column_names != names:
        raise Wrong(f"columns {table.column_names}, not {names}")
    if table.num_rows != len(rows):
        raise Wrong(f"{table.num_rows} rows, not {len(rows)}")
    odd = {field.name: str(field.type) for field in table.schema if field.type not in TYPES}
    if odd:
        raise Wrong(f"odd types: {odd}")

    described = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    types = [column[1] for column in described]
    theirs = database.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    if types != [TYPES[field.type] for field in table.schema]:
        raise Wrong(f"DuckDB sees {types}, pyarrow {table.schema.types}")
    if len(theirs) != len(rows):
        raise Wrong(f"DuckDB sees {len(theirs)} rows, not {len(rows)}")

    for c, field in enumerate(table.schema):
        ours = table.column(c).to_pylist()
        for r, row in enumerate(rows):
            want = expected(row[c], field.type) if row[c] != "" else None
            # `classify` tells no tags ("") from nothing to hear; a CSV cannot.
            if row[c] == "" and ours[r] == theirs[r][c] == "":
                continue
            for reader, got in (("pyarrow", ours[r]), ("DuckDB", theirs[r][c])):
                if got != want or type(got) is not type(want):
                    raise Wrong(f"{field.name}, row {r + 1}: {reader} reads {got!r}, the CSV says {row[c]!r}")
    return table.schema, len(rows) * len(names)


def main(folder: Path) -> int:
    """Compares all tables; gives the exit code."""
    wrong = []
    csvs = {path.with_suffix("") for path in folder.rglob("*.csv")}
    tables = {path.with_suffix("") for path in folder.rglob("*.parquet")}
    wrong += [f"{path}: there is no Parquet table beside it" for path in sorted(csvs - tables)]
    wrong += [f"{path}: there is no CSV beside it" for path in sorted(tables - csvs)]
    schemas: dict[str, dict[Path, pa.Schema]] = defaultdict(dict)
    cells = 0
    database = duckdb.connect()
    for stem in sorted(csvs & tables):
        path = stem.with_name(stem.name + ".parquet")
        try:
            schema, count = compare(path, database)
        except Exception as error:
            wrong.append(f"{path}: {error!r}")
            continue
        cells += count
        if path.name in ("loops_metadata.parquet", "hits_metadata.parquet", "clusters.parquet"):
            schemas[path.name][path] = schema
    for name, found in schemas.items():
        if len(set(found.values())) != 1:
            wrong.append(f"{name}: the schemas of {len(found)} tracks differ")
            continue
        rows = sum(pq.read_metadata(path).num_rows for path in found)
        query = "SELECT count(*) FROM read_parquet(?)"
        counted = database.execute(query, [[str(path) for path in found]]).fetchall()[0][0]
        if counted != rows:
            wrong.append(f"{name}: DuckDB counts {counted} rows in all of them, not {rows}")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong or not tables:
        print(f"{len(wrong)} wrong of {len(tables)} tables", file=sys.stderr)
        return 1
    print(f"{len(tables)} tables, {cells} cells: pyarrow {pa.__version__}, DuckDB {duckdb.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
