"""What both host scripts need: states, presets, test music, and reading what the plugin wrote."""

import json
import struct

import numpy as np

CLASS_ID = b"LoopwrightEffect"
RATE = 48_000


def state(**settings):
    """The plugin's state as it saves it, with some settings of one's own."""
    kept = {"version": 1, "settings": settings}
    fields = {"loopwright": json.dumps(kept)}
    return json.dumps({"version": "0", "params": {"bypass": {"bool": False}}, "fields": fields}).encode()


def write_preset(path, data):
    """A .vstpreset: a header, the component's state, a list that says where it is."""
    start = 48
    header = b"VST3" + struct.pack("<i", 1) + CLASS_ID.hex().upper().encode() + struct.pack("<q", start + len(data))
    chunks = [(b"Comp", start, len(data)), (b"Cont", start + len(data), 0)]
    listed = b"".join(name + struct.pack("<qq", at, size) for name, at, size in chunks)
    with open(path, "wb") as file:
        file.write(header + data + b"List" + struct.pack("<i", len(chunks)) + listed)


def bits_equal(a, b):
    """The same to the bit, NaN and -0 included."""
    return a.shape == b.shape and np.array_equal(
        np.ascontiguousarray(a).view(np.uint32), np.ascontiguousarray(b).view(np.uint32)
    )


def odd_sound(frames, seed):
    """Noise with every kind of float in it."""
    rng = np.random.default_rng(seed)
    sound = rng.uniform(-1, 1, (2, frames)).astype(np.float32)
    odd = np.array([0.0, -0.0, 1e-30, 1e-40, 3e38, np.inf, -np.inf, np.nan], np.float32)
    places = rng.random((2, frames)) < 0.1
    sound[places] = rng.choice(odd, places.sum())
    return sound


class Music:
    """Drums, bass and chords by the bar, the same each time."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def _hit(self, out, at, sound, gain):
        end = min(out.shape[1], at + len(sound))
        if at < end:
            out[:, at:end] += gain * sound[: end - at]

    def bars(self, count, bpm, drums=True):
        """`count` bars of 4/4 that do not repeat, and that end where they end: nothing rings over."""
        beat = RATE * 60 / bpm
        out = np.zeros((2, round(count * 4 * beat)))
        t = np.arange(RATE // 3) / RATE
        kick = np.sin(2 * np.pi * (50 * t + 12 * (1 - np.exp(-t * 30)))) * np.exp(-t * 14)
        snare = self.rng.standard_normal(len(t)) * np.exp(-t * 22)
        hat = np.diff(self.rng.standard_normal(len(t)), prepend=0) * np.exp(-t * 90)
        for bar in range(count):
            for sixteenth in range(16):
                at = round((bar * 16 + sixteenth) * beat / 4)
                if drums and (sixteenth in (0, 10) or (sixteenth == 7 and self.rng.random() < 0.3)):
                    self._hit(out, at, kick, 0.5)
                if drums and sixteenth in (4, 12):
                    self._hit(out, at, snare, 0.2)
                if drums and sixteenth % 2 == 0:
                    self._hit(out, at, hat, 0.05 * (1 + self.rng.random()))
                if sixteenth % 4 == 0 or self.rng.random() < 0.25:
                    hz = 55 * 2 ** (self.rng.choice([0, 3, 5, 7, 10]) / 12)
                    length = round(beat / 4)
                    note = np.arange(length) / RATE
                    tone = np.tanh(3 * np.sin(2 * np.pi * hz * note)) * np.linspace(1, 0, length)
                    self._hit(out, at, tone, 0.15)
            root = 220 * 2 ** (self.rng.choice([0, 3, 5, 7]) / 12)
            at, length = round(bar * 4 * beat), round(4 * beat) - 1
            note = np.arange(length) / RATE
            fade = np.minimum(1, np.minimum(note, note[::-1]) * 50)
            chord = sum(np.sin(2 * np.pi * root * 2 ** (step / 12) * note) for step in (0, 3, 7))
            self._hit(out, at, chord * fade, 0.04)
        return out.astype(np.float32)


def read_wav(path):
    """Planes and rate of a WAV with 16, 24 or 32 bits or floats."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE", path
    at, form, planes = 12, None, None
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            kind = struct.unpack("<H", body[24:26])[0] if kind == 0xFFFE else kind
            form = (kind, channels, rate, bits)
        elif name == b"data":
            kind, channels, rate, bits = form
            if kind == 3:
                flat = np.frombuffer(body, "<f4").astype(np.float64)
            elif bits == 24:
                raw = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32)
                flat = (raw[:, 0] | raw[:, 1] << 8 | raw[:, 2] << 16).astype(np.int32)
                flat = (flat << 8 >> 8) / 2**23
            else:
                flat = np.frombuffer(body, f"<i{bits // 8}") / 2.0 ** (bits - 1)
            planes = flat.reshape(-1, channels).T
        at += 8 + size + size % 2
    return planes, form[2]
