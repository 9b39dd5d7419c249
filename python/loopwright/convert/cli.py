"""``python -m loopwright.convert``: files in, files out, and words."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .._api import feature_registry
from . import check, checkpoint, estimators, graph, pickles
from .errors import ConvertError, NeedsPackage
from .scorer import Scorer

#: What a column of a network of the user's own is called.
EMBEDDINGS = ("openl3_", "emb_")

DESCRIPTION = """\
Turns rankers of the Python pipeline into ONNX files that `loopwright --model` reads, each with the list of its features
beside it (NAME.features.json). Each is checked against the original on random rows and at the edges, and written whole or
not at all.

  .pt, .pth       PyTorch: a checkpoint of the perceptron (state dict, scaler's mean and deviation, list of features)
  .joblib, .pkl   XGBoost's models, random forests, extra trees, gradient boosting, linear models, perceptrons, and
                  pipelines of them with scalers and imputers

XGBoost's .json and .ubj files need no conversion: loopwright reads them.

Both kinds are pickles, which can run code when they are loaded. Here they are loaded so that only arrays and known classes
are made, and nothing is run; a file that holds anything else is refused, unless you say --trust.
"""

EXAMPLES = """\
examples:
  python -m loopwright.convert loop_ranker.pt --out models
  python -m loopwright.convert xgb.joblib --features features.json
  loopwright find song.flac --out loops --model models/loop_ranker.onnx

exit codes: 0 all converted; 1 some were not; 2 wrong usage
"""


class Converted(NamedTuple):
    """A model that was converted."""

    #: The ONNX file.
    model: Path
    #: The list of its features.
    features: Path
    #: The columns, in order.
    columns: list[str]
    #: The largest absolute difference from the original's scores.
    difference: float
    #: Of how many rows.
    rows: int
    #: What there is to say of it.
    notes: list[str]


def convert(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    features: str | os.PathLike[str] | None = None,
    trust: bool = False,
    allow_unknown: bool = False,
    overwrite: bool = False,
) -> Converted:
    """Converts one model.

    Args:
        path: A ``.pt`` or ``.pth``, or a ``.joblib``, ``.pkl`` or ``.pickle``.
        out: The folder to write to; that of the model where not said.
        features: A list of the columns' names, for models that do not say themselves; ``features.json`` beside the model
            where not said.
        trust: Load what would run code.
        allow_unknown: Also convert models that read columns which Loopwright does not measure.
        overwrite: Put new files in place of those that are there.

    Raises:
        ConvertError: It is not converted; nothing was written.
        OSError: A file cannot be read or written.
    """
    source = Path(path)
    scorer = _read(source, trust)
    columns, note = _columns(scorer, source, None if features is None else Path(features))
    scorer.columns = columns
    notes = scorer.notes + ([note] if note else []) + _unknown(columns, allow_unknown)
    content = graph.build(scorer, source.stem)
    apart, rows = check.difference(scorer, content)
    folder = source.parent if out is None else Path(out)
    model, listed = folder / f"{source.stem}.onnx", folder / f"{source.stem}.features.json"
    taken = [p for p in (model, listed) if p.exists()]
    if taken and not overwrite:
        raise ConvertError(f"{taken[0]} is there already: --overwrite puts the new one in its place")
    told = {"version": 1, "columns": [{"name": name} for name in columns], "output": scorer.output}
    _write([(listed, (json.dumps(told, indent=2) + "\n").encode()), (model, content)])
    return Converted(model, listed, columns, apart, rows, notes)


def _read(source: Path, trust: bool) -> Scorer:
    ending = source.suffix.lower()
    if not source.is_file():
        raise ConvertError("there is no such file")
    if ending in (".pt", ".pth", ".ckpt"):
        return checkpoint.read(source, trust)
    if ending in (".joblib", ".pkl", ".pickle"):
        return estimators.scorer(pickles.read(source, trust))
    if ending in (".json", ".ubj"):
        raise ConvertError(f"XGBoost's own files need no conversion: loopwright find … --model {source}")
    if ending == ".onnx":
        raise ConvertError(f"it is ONNX already: put its features.json beside it, and loopwright find … --model {source}")
    raise ConvertError("its name ends in none of .pt, .pth, .joblib, .pkl")


def _columns(scorer: Scorer, source: Path, named: Path | None) -> tuple[list[str], str | None]:
    """The columns' names: those that are given, those of the model, those of the file beside it."""
    beside = [source.with_name(f"{source.stem}.features.json"), source.with_name("features.json")]
    if named is None and scorer.columns is None:
        named = next((p for p in beside if p.is_file()), None)
    columns, note = scorer.columns, None
    if named is not None:
        told: Any = json.loads(named.read_text(encoding="utf-8"))
        if isinstance(told, dict):
            held: Any = told.get("columns") or told.get("features") or []
            told = [c.get("name") if isinstance(c, dict) else c for c in held]
        if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
            raise ConvertError(f"{named} is no list of columns' names")
        if columns is not None and columns != told:
            raise ConvertError(f"{named} names other columns, or in another order, than the model itself")
        columns = list(told)
        note = f"its columns are those of {named}"
    if columns is None:
        raise ConvertError(
            f"it does not say which features its {scorer.width} inputs are: put the pipeline's features.json beside it, or "
            "name it by --features"
        )
    if len(columns) != scorer.width:
        raise ConvertError(f"{len(columns)} columns are named, and it reads {scorer.width}")
    twins = sorted({name for name in columns if columns.count(name) > 1})
    if twins:
        raise ConvertError(f"columns stand there more than once: {', '.join(twins)}")
    return columns, note


def _unknown(columns: list[str], allowed: bool) -> list[str]:
    """Says what Loopwright does not measure."""
    known: set[str] = set()
    for feature in feature_registry():
        name, width = feature["name"], feature["width"]
        known |= {name} if width == 1 else {f"{name}_{i}" for i in range(width)}
    others = [name for name in columns if name not in known]
    notes = []
    if any(name.startswith(EMBEDDINGS) for name in others):
        notes.append("it reads columns of an embedding: give loopwright the network by --embedding-model")
    others = [name for name in others if not name.startswith(EMBEDDINGS)]
    if others:
        words = ", ".join(others[:12]) + (f" and {len(others) - 12} more" if len(others) > 12 else "")
        if not allowed:
            raise ConvertError(
                f"it reads columns that Loopwright does not measure: {words} (`loopwright features` lists those there are). "
                "Train it without them, or convert it for other programs with --allow-unknown"
            )
        notes.append(f"loopwright will refuse it, since it does not measure {words}")
    return notes


def _write(files: list[tuple[Path, bytes]]) -> None:
    """Writes all of the files or none."""
    for path, _ in files:
        path.parent.mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, Path]] = []
    try:
        for path, content in files:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            made.append((name, path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
        while made:
            os.replace(*made[0])
            made.pop(0)
    finally:
        for name, _ in made:
            Path(name).unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loopwright.convert",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", metavar="MODEL", nargs="+", help="a .pt, .pth, .joblib or .pkl file")
    parser.add_argument("--out", metavar="DIR", help="where to write; beside each model where not said")
    parser.add_argument(
        "--features",
        metavar="FILE",
        help="the list of the columns' names, for models that do not say; features.json beside the model where not said",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load files that run code when they are loaded; only for those that you made yourself or whose maker you trust",
    )
    parser.add_argument(
        "--allow-unknown", action="store_true", help="convert models that read columns which Loopwright does not measure"
    )
    parser.add_argument("--overwrite", action="store_true", help="put new files in place of those that are there")
    parser.add_argument("--json", action="store_true", help="tell programs: a line of JSON for each model")
    options = parser.parse_args(arguments)
    stems = [Path(m).stem if options.out else str(Path(m).with_suffix("")) for m in options.models]
    if len(set(stems)) < len(stems):
        parser.error("two of the models would be written to one file: convert them one by one, with --out of their own")
    failed = False
    for model in options.models:
        told: dict[str, Any] = {"schema": 1, "source": model}
        try:
            done = convert(
                model,
                options.out,
                features=options.features,
                trust=options.trust,
                allow_unknown=options.allow_unknown,
                overwrite=options.overwrite,
            )
            told |= {"type": "converted", "model": str(done.model), "features": str(done.features)}
            told |= {"columns": len(done.columns), "difference": done.difference, "rows": done.rows, "notes": done.notes}
            words = [f"{model}: written to {done.model} with {len(done.columns)} columns ({done.features})"]
            words += [f"  scores differ from the original's by {done.difference:.3g} at most, on {done.rows} rows"]
            words += [f"  note: {note}" for note in done.notes]
        except (ConvertError, OSError, json.JSONDecodeError) as e:
            if isinstance(e, NeedsPackage) and not options.json and len(options.models) == 1:
                print(f"{model}: not converted: {e}", file=sys.stderr)
                return 1
            failed = True
            told |= {"type": "failure", "error": str(e)}
            words = [f"{model}: not converted: {e}"]
        if options.json:
            print(json.dumps(told), flush=True)
        else:
            print("\n".join(words), file=sys.stderr if told["type"] == "failure" else sys.stdout, flush=True)
    return int(failed)
