"""Models of the Python pipeline: converted, checked, and used by the command line with the original's scores."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopwright
from loopwright.convert import ConvertError, NotTrusted, convert, main

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

LEAN = ["rms_mean", "onset_mean", "perc_rms", "harm_rms", "perc_to_total_rms", "boundary_quiet_score", "pt_mel_0", "pt_mel_255"]


@pytest.fixture(scope="module")
def table(song: Path, tool: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Any, Any]:
    """What the pipeline's trainers read: columns and rows of a dataset, and labels."""
    path = tmp_path_factory.mktemp("dataset") / "d.csv"
    tool("dataset", song, "--out", path, "--self-supervised", "--columns", ",".join(LEAN))
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    columns = [name for name in header if name not in ("track_id", "start_time", "end_time", "weight")]
    values = np.array([[float(row[header.index(n)] or "nan") for n in columns] for row in rows], np.float32)
    labels = np.array([float(row[header.index("weight")]) for row in rows], np.float32)
    assert len(rows) > 20 and labels.std() > 0
    return columns, np.nan_to_num(values), labels


def scores_of(song: Path, tool: Any, model: Path, columns: list[str], out: Path) -> tuple[Any, Any]:
    """The command line's scores, and the rows that it gave them to."""
    tool("find", song, "--model", model, "--out", out, "--top", "0", "--min-rel-score", "-inf", "--alpha", "0")
    rows = [json.loads(line) for line in (out / "all_loops.jsonl").read_text().splitlines()]
    assert len(rows) > 5
    return np.array([r["score"] for r in rows]), np.array([[r[c] for c in columns] for r in rows], np.float32)


@pytest.mark.parametrize("listwise", [False, True])
def test_a_perceptron_scores_as_in_torch(listwise: bool, song: Path, tool: Any, table: Any, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    columns, x, y = table
    torch.manual_seed(1337)
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-8
    layers = [torch.nn.Linear(x.shape[1], 256), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(256, 128)]
    network = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(128, 1))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    inputs, target = torch.from_numpy((x - mean) / std), torch.from_numpy(y)
    for _ in range(10):
        score = network(inputs).reshape(-1)
        soft = torch.softmax(8 * target, 0)
        loss = -(soft * torch.log_softmax(score, 0)).sum() if listwise else ((score - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    path = tmp_path / ("loop_ranker_rank.pt" if listwise else "loop_ranker.pt")
    if listwise:
        scaler = {"mean": torch.from_numpy(mean), "std": torch.from_numpy(std)}
        torch.save({"state_dict": network.state_dict(), "scaler": scaler, "features": columns}, path)
    else:
        held = {"model_state_dict": network.state_dict(), "scaler_mean": mean, "scaler_std": std, "feature_names": columns}
        torch.save(held, path)
    done = convert(path, tmp_path / "models")
    assert done.columns == columns and done.difference < 1e-5 and done.rows > 1000
    scores, rows = scores_of(song, tool, done.model, columns, tmp_path / "out")
    with torch.no_grad():
        own = network(torch.from_numpy((rows - mean) / std)).reshape(-1).numpy()
    assert scores.std() > 0 and np.abs(scores - own).max() < 1e-5


def test_forests_score_as_they_did(song: Path, tool: Any, table: Any, tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    ensemble = pytest.importorskip("sklearn.ensemble")
    xgboost = pytest.importorskip("xgboost")
    columns, x, y = table
    (tmp_path / "features.json").write_text(json.dumps(columns))
    models = {
        "xgb": xgboost.XGBRegressor(n_estimators=400, max_depth=6, learning_rate=0.05, random_state=1337, n_jobs=1),
        "forest": ensemble.RandomForestRegressor(20, random_state=1337),
        "boosted": ensemble.GradientBoostingRegressor(n_estimators=30, random_state=1337),
    }
    for name, model in models.items():
        path = tmp_path / f"{name}.joblib"
        joblib.dump(model.fit(x, y), path, compress=3 if name == "forest" else 0)
        done = convert(path)
        assert done.difference < 1e-5
        scores, rows = scores_of(song, tool, done.model, columns, tmp_path / name)
        assert np.abs(scores - model.predict(rows)).max() < 1e-5, name


def test_pipelines_missing_values_and_probabilities_hold(table: Any, tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    pytest.importorskip("sklearn")
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    onnxruntime = pytest.importorskip("onnxruntime")
    columns, x, y = table
    (tmp_path / "features.json").write_text(json.dumps(columns))
    good = y > np.median(y)
    for name, model, target in [
        ("ridge", make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), Ridge()), y),
        ("logistic", make_pipeline(MinMaxScaler(), LogisticRegression()), good),
        ("forest", RandomForestClassifier(10, random_state=1), good),
        ("boosted", GradientBoostingClassifier(n_estimators=10, random_state=1), good),
    ]:
        joblib.dump(model.fit(x, target), tmp_path / f"{name}.joblib")
        done = convert(tmp_path / f"{name}.joblib")
        assert done.difference < 1e-5, name
        told = json.loads(done.features.read_text())
        assert told["output"] == ("relative" if name == "ridge" else "probability")
        if name == "ridge":
            holes = x.copy()
            holes[::2, 1] = np.nan
            session = onnxruntime.InferenceSession(done.model.read_bytes(), providers=["CPUExecutionProvider"])
            ours = session.run(None, {"features": holes})[0].reshape(-1)
            assert np.abs(ours - model.predict(holes)).max() < 1e-5


class Planted:
    """Runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["LOOPWRIGHT_PLANTED"],)


@pytest.mark.parametrize("ending", ["pt", "joblib", "pkl"])
def test_nothing_is_run_unless_trusted(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / "planted"
    monkeypatch.setenv("LOOPWRIGHT_PLANTED", str(planted))
    path = tmp_path / f"model.{ending}"
    if ending == "pt":
        pytest.importorskip("torch").save({"state_dict": Planted()}, path)
    elif ending == "joblib":
        # Within an array of objects, which is a pickle within the pickle.
        pytest.importorskip("joblib").dump({"model": np.array([Planted()], object)}, path)
    else:
        import pickle

        path.write_bytes(pickle.dumps(Planted()))
    with pytest.raises(NotTrusted, match="--trust"):
        convert(path)
    assert not planted.exists()
    with pytest.raises(ConvertError):
        convert(path, trust=True)
    assert planted.exists()


def test_what_cannot_be_converted_is_told(table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    joblib = pytest.importorskip("joblib")
    pytest.importorskip("sklearn")
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.neighbors import KNeighborsRegressor

    columns, x, y = table
    small = RandomForestRegressor(2, random_state=1).fit(x, y)
    joblib.dump(OneVsRestClassifier(RandomForestClassifier(2)).fit(x, np.stack([y > 0.2, y > 0.5], 1)), tmp_path / "tags.joblib")
    joblib.dump(KNeighborsRegressor().fit(x, y), tmp_path / "near.joblib")
    joblib.dump(small, tmp_path / "nameless.joblib")
    joblib.dump({"model": small, "feature_names": ["tempo", *columns[1:]]}, tmp_path / "foreign.joblib")
    joblib.dump({"model": small, "feature_names": columns[1:]}, tmp_path / "short.joblib")
    (tmp_path / "broken.joblib").write_bytes(b"\x80\x04nonsense")
    (tmp_path / "model.json").write_text("{}")
    for name, named in [
        ("tags.joblib", "train tags"),
        ("near.joblib", "--trust"),
        ("nameless.joblib", "--features"),
        ("foreign.joblib", "does not measure: tempo"),
        ("short.joblib", f"{len(columns) - 1} features, and reads {len(columns)}"),
        ("broken.joblib", "cannot be loaded"),
        ("model.json", "need no conversion"),
        ("none.pt", "no such file"),
    ]:
        assert main([str(tmp_path / name), "--out", str(tmp_path / "out")]) == 1
        assert named in capsys.readouterr().err, name
    assert not (tmp_path / "out").exists()
    assert main([str(tmp_path / "near.joblib"), "--trust"]) == 1
    assert "what is converted" in capsys.readouterr().err
    assert main([str(tmp_path / "foreign.joblib"), "--allow-unknown", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["type"] == "converted" and "tempo" in told["notes"][0] and told["difference"] < 1e-5
    assert main([str(tmp_path / "foreign.joblib"), "--allow-unknown"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    with pytest.raises(loopwright.ModelError, match="tempo"):
        loopwright.find(np.zeros(9), 9, model=told["model"])
