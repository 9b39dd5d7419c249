"""Pickles and joblib's files, read with a list of what may be in them.

A pickle says which functions are to be called when it is loaded. Here only those are found that stand on a list: classes
of arrays, trees and estimators that set fields and do nothing else. Whatever names something else is not loaded unless
the user says that it is to be trusted.
"""

from __future__ import annotations

import bz2
import gzip
import inspect
import io
import lzma
import pickle
import zlib
from pathlib import Path
from typing import Any

from .errors import ConvertError, NeedsPackage, NotTrusted

#: What may be called or made, by module; modules of scikit-learn without their private parts.
ALLOWED: dict[str, set[str]] = {
    "builtins": {"dict", "list", "tuple", "set", "frozenset", "float", "int", "bool", "str", "bytes", "bytearray", "slice"},
    "collections": {"OrderedDict", "defaultdict"},
    "copyreg": {"_reconstructor"},
    "numpy": {"ndarray", "dtype", "float32", "float64", "int32", "int64", "bool_", "str_"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy.dtypes": {"Float32DType", "Float64DType", "Int32DType", "Int64DType", "BoolDType"},
    "numpy.random._pickle": {"__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor"},
    "numpy.random._mt19937": {"MT19937"},
    "numpy.random._pcg64": {"PCG64"},
    "numpy.random.bit_generator": {"SeedSequence", "__pyx_unpickle_SeedSequence"},
    "numpy.random.mtrand": {"RandomState"},
    "joblib.numpy_pickle": {"NumpyArrayWrapper"},
    "xgboost.core": {"Booster"},
    "xgboost.sklearn": {"XGBModel", "XGBRegressor", "XGBClassifier", "XGBRanker", "XGBRFRegressor", "XGBRFClassifier"},
    "sklearn.pipeline": {"Pipeline"},
    "sklearn.multiclass": {"OneVsRestClassifier"},
    "sklearn.multioutput": {"MultiOutputClassifier", "MultiOutputRegressor"},
    "sklearn.preprocessing._data": {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"},
    "sklearn.preprocessing._label": {"LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"},
    "sklearn.impute._base": {"SimpleImputer"},
    "sklearn.dummy": {"DummyRegressor", "DummyClassifier"},
    "sklearn.tree._classes": {
        *("DecisionTreeRegressor", "DecisionTreeClassifier", "ExtraTreeRegressor", "ExtraTreeClassifier"),
    },
    "sklearn.tree._tree": {"Tree"},
    "sklearn.ensemble._forest": {
        *("RandomForestRegressor", "RandomForestClassifier", "ExtraTreesRegressor", "ExtraTreesClassifier"),
    },
    "sklearn.ensemble._gb": {"GradientBoostingRegressor", "GradientBoostingClassifier"},
    "sklearn._loss.loss": {"HalfSquaredError", "HalfBinomialLoss"},
    "sklearn._loss.link": {"IdentityLink", "LogitLink", "Interval"},
    "sklearn._loss._loss": {"CyHalfSquaredError", "CyHalfBinomialLoss", "__pyx_unpickle_CyHalfSquaredError"},
    "sklearn.linear_model._base": {"LinearRegression"},
    "sklearn.linear_model._ridge": {"Ridge", "RidgeCV"},
    "sklearn.linear_model._coordinate_descent": {"Lasso", "ElasticNet", "LassoCV", "ElasticNetCV"},
    "sklearn.linear_model._logistic": {"LogisticRegression"},
    "sklearn.neural_network._multilayer_perceptron": {"MLPRegressor", "MLPClassifier"},
    "sklearn.neural_network._stochastic_optimizers": {"AdamOptimizer", "SGDOptimizer"},
}


def read(path: Path, trust: bool) -> Any:
    """The object that a pickle or joblib's file holds.

    Raises:
        NotTrusted: It names something that is not on the list, and ``trust`` is not given.
        ConvertError: It cannot be loaded.
    """
    content = _plain(path.read_bytes())
    try:
        import joblib
        from joblib import numpy_pickle
    except ImportError:
        joblib = None
        numpy_pickle = None
    try:
        if trust:
            return pickle.loads(content) if joblib is None else joblib.load(io.BytesIO(content))
        if joblib is None:
            return Listed(io.BytesIO(content)).load()
        return _joblib(content, path, numpy_pickle)
    except NotTrusted:
        raise
    except ModuleNotFoundError as e:
        raise NeedsPackage((e.name or "unknown").partition(".")[0].replace("sklearn", "scikit-learn")) from None
    except Exception as e:
        if joblib is None and b"joblib" in content[:4096]:
            raise NeedsPackage("joblib") from None
        raise ConvertError(f"it cannot be loaded ({type(e).__name__}: {e}); use the versions that it was saved with") from e


def _plain(content: bytes) -> bytes:
    """The content without compression."""
    for magic, open_ in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
        if content.startswith(magic):
            return open_(content)
    if content[:1] == b"\x78" and content[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return zlib.decompress(content)
    return content


class Listed(pickle.Unpickler):
    """Finds what is on the list."""

    def find_class(self, module: str, name: str) -> Any:
        if name not in ALLOWED.get(module, ()):
            raise NotTrusted(f"{module}.{name}")
        return super().find_class(module, name)


def _joblib(content: bytes, path: Path, numpy_pickle: Any) -> Any:
    """The same of joblib's files, in which arrays lie between the pickle's own bytes."""

    class Wrapper(numpy_pickle.NumpyArrayWrapper):  # type: ignore[misc]
        def read_array(self, unpickler: Any, *rest: Any) -> Any:
            # Arrays of objects are pickles of their own.
            if self.dtype.hasobject:
                return Listed(unpickler.file_handle).load()
            return super().read_array(unpickler, *rest)

        def read(self, unpickler: Any, *rest: Any) -> Any:
            self.allow_mmap = False
            return super().read(unpickler, *rest)

    class Unpickler(numpy_pickle.NumpyUnpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            if name not in ALLOWED.get(module, ()):
                raise NotTrusted(f"{module}.{name}")
            if name == "NumpyArrayWrapper":
                return Wrapper
            return super().find_class(module, name)

    # The signature differs between joblib's versions.
    given = {"filename": str(path), "file_handle": io.BytesIO(content), "mmap_mode": None}
    wanted = inspect.signature(numpy_pickle.NumpyUnpickler.__init__).parameters
    if "ensure_native_byte_order" in wanted:
        given["ensure_native_byte_order"] = True
    return Unpickler(**{k: v for k, v in given.items() if k in wanted}).load()
