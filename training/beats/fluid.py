"""Notes to sound through libfluidsynth: a small offline binding, and drum kits sampled out of the soundfonts.

The synthesiser runs in blocks of 64 frames and starts a note at the head of a block. Events are therefore rounded to
the *nearest* block, which keeps every attack within 1.5 ms of its time at 22.05 kHz instead of up to 2.9 ms late.
Drums, where timing matters most, do not go through that grid at all: each hit is sampled once, its attack is brought to
the first sample, and `kits.py` places it to the sample.
"""

from __future__ import annotations

import ctypes
import os
from collections import OrderedDict
from functools import cache
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

#: Sample rate of everything in this folder. `training/drums` works on the same code at 44100, and sets the variable for it.
RATE = int(os.environ.get("LOOPWRIGHT_TRAINING_RATE", "22050"))
#: Frames that the synthesiser computes at once; events take effect between blocks.
BLOCK = 64

#: The soundfonts that training may use, by short name, and the directories where distributions put them.
FONTS = {
    "fluidr3": "FluidR3_GM.sf2",
    "musescore": "MuseScore_General.sf3",
    "timgm": "TimGM6mb.sf2",
}
FONT_DIRS = (
    os.environ.get("LOOPWRIGHT_SOUNDFONTS", ""),
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
)

_FLOATS = ctypes.POINTER(ctypes.c_float)


class FluidError(RuntimeError):
    """The library, a font or a program is not there."""


def _bind() -> ctypes.CDLL:
    """Loads the library and declares what is used of it."""
    for name in ("libfluidsynth.so.3", "libfluidsynth.so.2", "libfluidsynth.3.dylib", "libfluidsynth-3.dll"):
        try:
            lib = ctypes.CDLL(name)
            break
        except OSError:
            continue
    else:
        raise FluidError("libfluidsynth is not installed")
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    signatures = {
        "new_fluid_settings": (pointer, []),
        "fluid_settings_setnum": (integer, [pointer, ctypes.c_char_p, ctypes.c_double]),
        "fluid_settings_setint": (integer, [pointer, ctypes.c_char_p, integer]),
        "new_fluid_synth": (pointer, [pointer]),
        "fluid_synth_sfload": (integer, [pointer, ctypes.c_char_p, integer]),
        "fluid_synth_get_sfont_by_id": (pointer, [pointer, integer]),
        "fluid_sfont_get_preset": (pointer, [pointer, integer, integer]),
        "fluid_synth_pin_preset": (integer, [pointer, integer, integer, integer]),
        "fluid_synth_program_select": (integer, [pointer, integer, integer, integer, integer]),
        "fluid_synth_noteon": (integer, [pointer, integer, integer, integer]),
        "fluid_synth_noteoff": (integer, [pointer, integer, integer]),
        "fluid_synth_cc": (integer, [pointer, integer, integer, integer]),
        "fluid_synth_pitch_bend": (integer, [pointer, integer, integer]),
        "fluid_synth_system_reset": (integer, [pointer]),
        "fluid_synth_get_active_voice_count": (integer, [pointer]),
        "fluid_synth_set_interp_method": (integer, [pointer, integer, integer]),
        "fluid_synth_write_float": (
            integer,
            [pointer, integer, _FLOATS, integer, integer, _FLOATS, integer, integer],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    # Silences the library's complaints about missing controllers in old fonts.
    lib.fluid_set_log_function.argtypes = [integer, pointer, pointer]
    for level in range(5):
        lib.fluid_set_log_function(level, None, None)
    return lib


class Fluid:
    """One offline synthesiser with all fonts loaded.

    Samples are decoded when a program is first used and then stay (the library keeps one cache for the whole process),
    so the first song that uses a piano of the compressed font pays a second for it, and no other.
    """

    def __init__(self, rate: int = RATE) -> None:
        self.rate = rate
        self._lib = _bind()
        settings = self._lib.new_fluid_settings()
        for key, number in (("synth.sample-rate", float(rate)), ("synth.gain", 0.5)):
            self._lib.fluid_settings_setnum(settings, key.encode(), number)
        # Room and ensemble are added in the mix, differently each time, and cost less there.
        for key, value in (
            ("synth.reverb.active", 0),
            ("synth.chorus.active", 0),
            ("synth.dynamic-sample-loading", 1),
            ("synth.polyphony", 128),
            ("synth.threadsafe-api", 0),
        ):
            self._lib.fluid_settings_setint(settings, key.encode(), value)
        self._synth = self._lib.new_fluid_synth(settings)
        if not self._synth:
            raise FluidError("libfluidsynth made no synthesiser")
        self.fonts: dict[str, int] = {}
        for name, file in FONTS.items():
            path = next((Path(d) / file for d in FONT_DIRS if d and (Path(d) / file).exists()), None)
            if path is not None:
                number = self._lib.fluid_synth_sfload(self._synth, str(path).encode(), 0)
                if number >= 0:
                    self.fonts[name] = number
        if not self.fonts:
            raise FluidError(f"no soundfont of {sorted(FONTS.values())} in {FONT_DIRS}")
        self._pinned: set[tuple[str, int, int]] = set()
        self._bin = np.zeros(4 * BLOCK, dtype=np.float32)

    def has(self, font: str, bank: int, program: int) -> bool:
        """Whether a font has a program."""
        sfont = self._lib.fluid_synth_get_sfont_by_id(self._synth, self.fonts[font])
        return bool(self._lib.fluid_sfont_get_preset(sfont, bank, program))

    def _select(self, channel: int, font: str, bank: int, program: int) -> None:
        number = self.fonts[font]
        if (font, bank, program) not in self._pinned:
            self._lib.fluid_synth_pin_preset(self._synth, number, bank, program)
            self._pinned.add((font, bank, program))
        if self._lib.fluid_synth_program_select(self._synth, channel, number, bank, program) != 0:
            raise FluidError(f"{font} has no program {bank}:{program}")

    def _settle(self) -> None:
        """Brings every voice into one state.

        Voices that are used again keep a little of their filter's past (1e-3 of full scale in version 2.3), so that a
        note would depend on what was played before. With this, what remains is rounding, 1e-7.
        """
        lib, synth, waste = self._lib, self._synth, self._bin.ctypes.data_as(_FLOATS)
        lib.fluid_synth_system_reset(synth)
        lib.fluid_synth_write_float(synth, 2 * BLOCK, waste, 0, 1, waste, 0, 1)
        self._select(0, next(iter(self.fonts)), 0, 80)
        for key in range(128):
            lib.fluid_synth_noteon(synth, 0, key, 100)
        lib.fluid_synth_write_float(synth, BLOCK, waste, 0, 1, waste, 0, 1)
        lib.fluid_synth_system_reset(synth)
        lib.fluid_synth_write_float(synth, 2 * BLOCK, waste, 0, 1, waste, 0, 1)

    def render(
        self,
        font: str,
        bank: int,
        program: int,
        notes: list[tuple[float, float, int, int]],
        frames: int,
        controls: list[tuple[float, int, int]] = (),
    ) -> np.ndarray:
        """Plays `notes` (start s, end s, pitch, velocity) with one program: `frames` samples, mono, not limited.

        `controls` are (time s, controller, value); controller -1 is the pitch bend, 0 to 16383.
        """
        lib, synth = self._lib, self._synth
        self._settle()
        channel = 9 if bank == 128 else 0
        self._select(channel, font, bank, program)
        lib.fluid_synth_set_interp_method(synth, -1, 4)
        blocks = -(-frames // BLOCK)
        scale = self.rate / BLOCK
        events = [(int(round(t * scale)), 0, c, v) for t, c, v in controls]
        last: dict[int, int] = {}
        ordered = sorted(notes)
        ends = [n[1] for n in ordered]
        for i, (start, _, pitch, _) in enumerate(ordered):
            # A note-off would otherwise also end the next note of the same key.
            if pitch in last:
                ends[last[pitch]] = min(ends[last[pitch]], start - 1e-3)
            last[pitch] = i
        for (start, _, pitch, velocity), end in zip(ordered, ends):
            at = max(0, int(round(start * scale)))
            events.append((at, 2, pitch, max(1, min(127, velocity))))
            events.append((max(at + 1, int(round(end * scale))), 1, pitch, 0))
        events.sort()
        left = np.zeros(blocks * BLOCK, dtype=np.float32)
        right = np.zeros_like(left)
        pl, pr = left.ctypes.data_as(_FLOATS), right.ctypes.data_as(_FLOATS)
        position = 0
        for block, kind, a, b in events:
            if block >= blocks:
                break
            if block > position:
                at = position * BLOCK
                lib.fluid_synth_write_float(synth, (block - position) * BLOCK, pl, at, 1, pr, at, 1)
                position = block
            if kind == 2:
                lib.fluid_synth_noteon(synth, channel, a, b)
            elif kind == 1:
                lib.fluid_synth_noteoff(synth, channel, a)
            elif a < 0:
                lib.fluid_synth_pitch_bend(synth, channel, b)
            else:
                lib.fluid_synth_cc(synth, channel, a, b)
        if position < blocks:
            at = position * BLOCK
            lib.fluid_synth_write_float(synth, (blocks - position) * BLOCK, pl, at, 1, pr, at, 1)
        left += right
        left *= 0.5
        return left[:frames]

    def play(
        self,
        font: str,
        program: int,
        notes: list[tuple[float, float, int, int]],
        frames: int,
        release: float,
        wheel: int = 0,
    ) -> np.ndarray:
        """As `render`, but every different note sounds once, held, and is then copied to where it is wanted.

        Loops repeat a few notes hundreds of times, so this costs a fraction, and notes start to the sample. Notes are
        let go with an exponential fade of `release` seconds (60 dB) in place of the font's own.
        """
        longest = 12.0
        needs: dict[tuple[int, int], float] = {}
        for start, end, pitch, velocity in notes:
            name = (pitch, min(120, velocity // 16 * 16 + 8))
            needs[name] = max(needs.get(name, 0.0), min(longest, max(0.03, end - start)) + release)
        step = BLOCK / self.rate
        at = 0
        slots: dict[tuple[int, int], tuple[int, int]] = {}
        plan, controls = [], [(0.0, 1, wheel)] if wheel else []
        for (pitch, velocity), seconds in sorted(needs.items()):
            blocks = int(np.ceil(seconds / step)) + 1
            slots[(pitch, velocity)] = (at * BLOCK, (at + blocks) * BLOCK)
            plan.append((at * step, (at + blocks + 2) * step, pitch, velocity))
            controls.append(((at + blocks) * step, 120, 0))
            at += blocks + 1
        tape = self.render(font, 0, program, plan, at * BLOCK, controls)
        out = np.zeros(frames, dtype=np.float32)
        fade = np.exp(np.arange(int(release * self.rate), dtype=np.float32) * np.float32(-6.9 / (release * self.rate)))
        fade[-min(64, len(fade)) :] *= np.linspace(1, 0, min(64, len(fade)), dtype=np.float32)
        for start, end, pitch, velocity in notes:
            name = (pitch, min(120, velocity // 16 * 16 + 8))
            first, last = slots[name]
            a = int(round(start * self.rate))
            held = int(min(longest, max(0.03, end - start)) * self.rate)
            if a < 0 or a >= frames:
                continue
            wave = tape[first : min(last, first + held + len(fade))] * np.float32((velocity / name[1]) ** 2)
            tail = len(wave) - held
            if tail > 0:
                wave[held:] *= fade[:tail]
            n = min(len(wave), frames - a)
            out[a : a + n] += wave[:n]
        return out


@cache
def synthesiser(rate: int = RATE) -> Fluid:
    """The synthesiser of this process at a sample rate."""
    return Fluid(rate)


def bring_to_attack(hit: np.ndarray, lead: int = 8) -> np.ndarray:
    """Cuts what stands before the attack, the first sample above 10 % of the peak of the first 60 ms.

    `lead` samples (0.4 ms) stay, faded in, so that a cut through a rising wave does not click.
    """
    head = np.abs(hit[: int(0.06 * RATE)])
    peak = float(head.max(initial=0.0))
    if peak <= 0.0:
        return hit
    at = int(np.argmax(head > 0.1 * peak))
    cut = hit[max(0, at - lead) :].copy()
    ramp = min(lead, at)
    cut[:ramp] *= np.linspace(0.0, 1.0, ramp, endpoint=False, dtype=np.float32)
    return cut


class FontKits:
    """Single hits of the drum kits of the fonts, sampled on demand at twice the rate so that cymbals do not alias."""

    #: Velocities at which hits are sampled; between them only the gain changes.
    LAYERS = (50, 90, 120)
    #: Hits kept, the least recently used goes first: about 60 kB each.
    KEEP = 3000

    def __init__(self) -> None:
        self._hits: OrderedDict[tuple[str, int, int, int], np.ndarray] = OrderedDict()

    def kits(self) -> list[tuple[str, int]]:
        """(font, program) of every drum kit there is."""
        fluid = synthesiser(2 * RATE)
        return [(f, p) for f in fluid.fonts for p in range(56) if fluid.has(f, 128, p)]

    def hit(self, font: str, program: int, key: int, velocity: int) -> np.ndarray:
        """One hit with its attack at the first sample; empty where the kit has nothing at that key."""
        layer = min(self.LAYERS, key=lambda v: abs(v - velocity))
        name = (font, program, key, layer)
        found = self._hits.get(name)
        if found is not None:
            self._hits.move_to_end(name)
            return found
        fluid = synthesiser(2 * RATE)
        long = key in (46, 49, 51, 52, 53, 55, 57, 59, 81)
        wave = fluid.render(font, 128, program, [(0.0, 9.0, key, layer)], int((2.2 if long else 1.0) * 2 * RATE))
        wave = resample_poly(wave, 1, 2).astype(np.float32)
        wave = bring_to_attack(wave)
        loud = np.flatnonzero(np.abs(wave) > 0.002 * max(1e-9, float(np.abs(wave).max(initial=0.0))))
        wave = wave[: loud[-1] + 1].copy() if len(loud) else wave[:0]
        if len(wave) and float(np.abs(wave).max()) < 1e-4:
            wave = wave[:0]
        tail = min(len(wave), 200)
        wave[len(wave) - tail :] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
        self._hits[name] = wave
        if len(self._hits) > self.KEEP:
            self._hits.popitem(last=False)
        return wave


@cache
def font_kits() -> FontKits:
    """The sampled kits of this process."""
    return FontKits()
