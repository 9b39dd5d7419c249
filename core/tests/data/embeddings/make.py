"""Small random networks that embed, and what onnxruntime and librosa make of them.

    python3 make.py

Writes samples.onnx, logmel.onnx, openl3_tiny.onnx and expected.json beside itself. The signal is made of whole numbers, so
that the test makes the very same one.
"""

import json
import pathlib

import librosa
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
RATE = 16000
SECONDS = 2.25


def signal():
    """Noise of a linear congruential generator, three times as loud in the second second."""
    state, out = 12345, []
    for i in range(int(RATE * SECONDS)):
        state = (state * 1664525 + 1013904223) % 2**32
        loud = 0.75 if RATE <= i < 2 * RATE else 0.25
        out.append(((state >> 8) / 2**23 - 1.0) * loud)
    return np.array(out, dtype=np.float32)


def save(name, nodes, input_, output, constants, notes):
    graph = helper.make_graph(
        nodes, "embedding", [input_], [output], [numpy_helper.from_array(v, k) for k, v in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    helper.set_model_props(model, notes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, HERE / name)
    return onnxruntime.InferenceSession(str(HERE / name), providers=["CPUExecutionProvider"])


def floats(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def conv(name, width, stride, channels, shape, notes, rng):
    """A convolution over samples, its rectified mean: [1, channels, 1]."""
    kernel = (rng.standard_normal((channels, 1, width)) / np.sqrt(width)).astype(np.float32)
    bias = rng.standard_normal(channels).astype(np.float32) * 0.1
    nodes = [
        helper.make_node("Conv", ["samples", "kernel", "bias"], ["conv"], kernel_shape=[width], strides=[stride]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["embedding"]),
    ]
    out = floats("embedding", [1, channels, 1])
    session = save(name, nodes, floats("samples", shape), out, {"kernel": kernel, "bias": bias}, notes)
    return session, kernel, bias


def main():
    rng = np.random.default_rng(6)
    x = signal()
    windows = [np.pad(x[s : s + RATE], (0, max(0, s + RATE - len(x)))) for s in range(0, len(x) - RATE + 8000, 8000)]
    expected = {
        "versions": {m.__name__: m.__version__ for m in (np, librosa, onnx, onnxruntime)},
        "windows": len(windows),
    }

    samples, kernel, bias = conv("samples.onnx", 64, 32, 4, [1, 1, "time"], {"loopwright.sample_rate": str(RATE)}, rng)
    run = lambda session, w: session.run(None, {"samples": w})[0].reshape(-1).tolist()
    expected["kernel"] = kernel.reshape(4, 64).tolist()
    expected["bias"] = bias.tolist()
    expected["samples"] = [run(samples, w.reshape(1, 1, -1)) for w in windows]

    # 1 s at 48 kHz, as OpenL3 takes it; known by its name.
    conv("openl3_tiny.onnx", 32, 480, 3, [1, 1, 48000], {}, rng)

    spec = dict(n_fft=512, hop_length=256, n_mels=40, fmin=50.0, fmax=7600.0)
    weights = (rng.standard_normal((40, 6)) * 0.003).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["logmel"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "weights"], ["product"]),
        helper.make_node("Tanh", ["product"], ["embedding"]),
    ]
    notes = {
        "loopwright.sample_rate": str(RATE), "loopwright.n_fft": "512", "loopwright.hop": "256",
        "loopwright.fmin": "50", "loopwright.fmax": "7600", "loopwright.log": "db",
    }
    logmel = save(
        "logmel.onnx", nodes, floats("logmel", [1, 40, "frames"]), floats("embedding", [1, "frames", 6]),
        {"weights": weights}, notes,
    )
    rows = []
    for w in windows:
        mel = librosa.feature.melspectrogram(y=w, sr=RATE, power=2.0, **spec)
        db = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None).astype(np.float32)
        rows.append(logmel.run(None, {"logmel": db[None]})[0].mean(axis=(0, 1)).tolist())
    expected["logmel"] = rows
    (HERE / "expected.json").write_text(json.dumps(expected) + "\n")


main()
