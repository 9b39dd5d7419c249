"""Tests of the sound of training songs: above all that no chain moves an attack away from its truth."""

from __future__ import annotations

import unittest

import numpy as np

import effects as fx
import kits
import sound
import strums
import synths
from fluid import RATE, synthesiser
from song import Note, Part, Song

#: Largest error of an attack that a chain may have, seconds.
TOLERANCE = 0.003


def onset(x: np.ndarray, near: float, before: float = 0.03, after: float = 0.06) -> float:
    """Seconds at which the sound around `near` has risen by a tenth from what rang on before to its peak."""
    a = max(0, int((near - before) * RATE))
    part = np.abs(x[a : int((near + after) * RATE)])
    floor = part[: max(1, int((before - 0.005) * RATE))].max()
    return (a + int(np.argmax(part > floor + 0.1 * (part.max() - floor)))) / RATE


def hits_song(times: np.ndarray, palette: str = "electronic") -> Song:
    """Kicks only."""
    notes = [Note(float(t), 0.1, 36, 110) for t in times]
    positions = np.arange(len(times)) % 4 + 1
    return Song(
        5,
        "hits",
        palette,
        float(times[-1]) + 2.0,
        120.0,
        times,
        positions,
        [Part("drums", 0, notes)],
        [(float(times[0]), "full")],
    )


class Sources(unittest.TestCase):
    """Attacks of single notes lie where they were asked for."""

    def test_hits_of_every_kind_of_kit(self) -> None:
        times = [0.3137, 1.6021]
        rng = np.random.default_rng(1)
        found = [kits.DrawnKit(s) for s in range(12)]
        found += [kits.HydrogenKit(n, 3) for n in kits.hydrogen_samples()]
        found += [kits.FontKit(f, p, rng) for f, p in kits.font_kits().kits()[::5]]
        for kit in found:
            for key in (36, 38, 42, 46, 45, 39):
                if not len(kit.hit(key, 100)):
                    continue
                x = kits.place(kit, [kits.Hit(t, key, 100) for t in times], 3 * RATE)
                for t in times:
                    self.assertLess(abs(onset(x, t) - t), 0.002, f"{kit.name} {key}")

    def test_quick_programs_of_every_font(self) -> None:
        fluid = synthesiser()
        notes = [(0.4003, 0.7, 60, 100), (1.1111, 1.4, 67, 90)]
        for font in fluid.fonts:
            for program in (6, 13, 80):  # harpsichord, xylophone, square lead
                for x in (
                    fluid.render(font, 0, program, notes, 2 * RATE),
                    fluid.play(font, program, notes, 2 * RATE, 0.1),
                ):
                    for start, *_ in notes:
                        # What the recording itself takes to speak is allowed for: 8 ms for these instruments.
                        self.assertGreater(onset(x, start) - start, -TOLERANCE, f"{font} {program}")
                        self.assertLess(onset(x, start) - start, 0.008, f"{font} {program}")

    def test_strums(self) -> None:
        self.assertEqual(strums.chord_of([43, 59, 62, 67]), strums.Chord(7, "major"))
        self.assertEqual(strums.chord_of([57, 60, 64, 69]), strums.Chord(9, "minor"))
        self.assertEqual(strums.chord_of([59, 62, 65, 69]), strums.Chord(11, "minor7b5"))
        if not strums.available():
            self.skipTest("the kit of strums is not installed")
        rng = np.random.default_rng(0)
        for root in range(12):
            notes = [Note(0.5003 + 0.7 * k, 0.5, 48 + root + i, 60 + 15 * k) for k in range(4) for i in (0, 4, 7)]
            x = strums.render(notes, 4 * RATE, rng)
            for k in range(4):
                self.assertLess(abs(onset(x, 0.5003 + 0.7 * k) - 0.5003 - 0.7 * k), TOLERANCE)
            # It sounds the chord: most of the power of the ringing lies on its pitch classes.
            power = np.abs(np.fft.rfft(x[int(0.55 * RATE) : int(0.95 * RATE)], 1 << 16)) ** 2
            f = np.fft.rfftfreq(1 << 16, 1 / RATE)
            heard = (f > 75) & (f < 700)
            pitch = 69 + 12 * np.log2(f[heard] / 440)
            inside = np.isin(np.round(pitch).astype(int) % 12, [(root + i) % 12 for i in (0, 4, 7)])
            self.assertGreater(power[heard][inside].sum(), 0.7 * power[heard].sum(), f"root {root}")

    def test_voices(self) -> None:
        rng = np.random.default_rng(2)
        for role in ("bass", "chords", "arp", "lead", "riff"):
            for i in range(8):
                patch = synths.draw_patch(rng, role)
                patch.noise = 0.0
                x = synths.Voice(patch, i).render([Note(0.5003, 0.3, 52, 100)], RATE)
                self.assertLess(abs(onset(x, 0.5003, after=0.02) - 0.5003), TOLERANCE, f"{role} {patch}")
                self.assertTrue(np.isfinite(x).all())

    def test_copies_of_held_notes_sound_like_the_notes(self) -> None:
        fluid = synthesiser()
        notes = [(0.2, 0.6, 60, 104), (0.8, 1.2, 64, 104)]
        font = next(iter(fluid.fonts))
        whole = fluid.render(font, 0, 0, notes, 2 * RATE)
        copied = fluid.play(font, 0, notes, 2 * RATE, 0.1)
        for start, end, *_ in notes:
            a, b = int((start + 0.02) * RATE), int((end - 0.02) * RATE)
            self.assertLess(abs(fx.loudness(copied[a:b]) / fx.loudness(whole[a:b]) - 1), 0.15)

    def test_band_limit(self) -> None:
        """A high saw has nothing between its harmonics, where aliases would lie."""
        patch = synths.Patch("saw", low=9000, high=10000, sustain=1.0, dark=1.0)
        x = synths.Voice(patch, 1).render([Note(0.0, 1.9, 91, 100)], 2 * RATE)[2000 : 2000 + 32768]
        f0 = 440 * 2 ** ((91 - 69) / 12)
        power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
        f = np.fft.rfftfreq(len(x), 1 / RATE)
        near = np.abs(f / f0 - np.round(f / f0)) * f0 < 20
        self.assertLess(power[~near].sum(), 1e-3 * power[near].sum())


class Effects(unittest.TestCase):
    """Effects keep attacks and do what they say."""

    def setUp(self) -> None:
        self.times = [0.5, 1.25, 2.0]
        self.x = kits.place(kits.DrawnKit(4), [kits.Hit(t, 36, 110) for t in self.times], 3 * RATE)

    def check(self, y: np.ndarray, name: str) -> None:
        for t in self.times:
            self.assertLess(abs(onset(y, t) - t), TOLERANCE, name)

    def test_none_moves_an_attack(self) -> None:
        rng = np.random.default_rng(3)
        chains = {
            "eq": lambda: fx.apply(fx.random_eq(rng, 3, 6), self.x),
            "compress": lambda: fx.compress(self.x, -6, 6, 0.005, 0.1),
            "saturate": lambda: fx.saturate(self.x, 5, 0.1),
            "echo": lambda: self.x + 0.5 * fx.echo(self.x, 0.11, 0.5),
            "room": lambda: self.x + 0.5 * fx.convolve(self.x, fx.impulse(rng, 0.4, 0.5)),
            "lowpass": lambda: fx.apply([fx.cut("lowpass", 900)], self.x),
            "highpass": lambda: fx.apply([fx.cut("highpass", 300)], self.x),
            "sweep": lambda: fx.sweep(self.x, 0.1, 2.9, (400, 6000), "lowpass"),
            "chorus": lambda: self.x + 0.7 * fx.modulated_copy(self.x, 0.015, 0.002, 0.8, 1.0),
            "flanger": lambda: self.x - 0.7 * fx.modulated_copy(self.x, 0.003, 0.001, 0.2, 1.0),
            "crush": lambda: fx.crush(self.x, 4, 6),
            "amp": lambda: fx.cabinet(self.x, rng),
            "mp3": lambda: fx.mp3(0.7 * self.x, 0.6),
        }
        for name, chain in chains.items():
            for _ in range(3):
                self.check(chain(), name)

    def test_codec_lag_is_found(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.standard_normal(RATE).astype(np.float32)
        for lag in (0, 17, -5, 1105):
            self.assertEqual(fx.lag_of(np.roll(x, lag), x), lag)

    def test_wow_moves_times_as_it_says(self) -> None:
        y, course = fx.wow(self.x, 0.006, 0.5, 1.0)
        grid = np.arange(len(course)) * fx.HOP / RATE
        for t in self.times:
            self.assertLess(abs(onset(y, float(np.interp(t, course, grid))) - np.interp(t, course, grid)), TOLERANCE)
        self.assertGreater(np.abs(course - grid).max(), 0.001)

    def test_shelf_and_bell_gains(self) -> None:
        from scipy.signal import sosfreqz

        def gain(section: np.ndarray, f: float) -> float:
            return 20 * np.log10(abs(sosfreqz(section, [f], fs=RATE)[1][0]))

        self.assertAlmostEqual(gain(fx.peaking(1000, 6, 1), 1000), 6, places=3)
        self.assertAlmostEqual(gain(fx.shelf(500, -5, False), 5), -5, places=1)
        self.assertAlmostEqual(gain(fx.shelf(500, -5, False), 10000), 0, places=1)
        self.assertAlmostEqual(gain(fx.shelf(2000, 4, True), 11000), 4, places=1)
        self.assertAlmostEqual(gain(fx.biquad("lowpass", 800), 800), -3.01, places=1)
        self.assertAlmostEqual(gain(fx.biquad("highpass", 800), 20), -64, delta=1)

    def test_mute_leaves_what_follows_alone(self) -> None:
        y = fx.mute(self.x, 0.9, 1.24)
        a, b = int(1.245 * RATE), int(0.9 * RATE)
        np.testing.assert_array_equal(y[a:], self.x[a:])
        self.assertEqual(float(np.abs(y[b : int(1.236 * RATE)]).max()), 0.0)

    def test_copy_comes_late_by_its_delay(self) -> None:
        y = fx.modulated_copy(self.x, 0.02, 0.0, 1.0, 0.0)
        self.assertEqual(fx.lag_of(y, self.x), int(0.02 * RATE))

    def test_limit(self) -> None:
        self.assertLessEqual(np.abs(fx.limit(5 * self.x)).max(), 0.98)
        np.testing.assert_array_equal(fx.limit(0.3 * self.x), 0.3 * self.x)

    def test_ducking(self) -> None:
        gain = fx.ducking(np.array([0.5]), RATE, 0.8, 0.3, 1.0)
        self.assertAlmostEqual(float(gain[int(0.51 * RATE)]), 0.2, delta=0.06)
        self.assertEqual(float(gain[0]), 1.0)
        self.assertEqual(float(gain[-1]), 1.0)


class Songs(unittest.TestCase):
    """Whole recordings."""

    def test_deterministic_whatever_was_rendered_before(self) -> None:
        first = sound.render(sound.example(1, 12.0), 9)
        sound.render(sound.example(2, 6.0, "acoustic"), 4)
        again = sound.render(sound.example(1, 12.0), 9)
        other = sound.render(sound.example(1, 12.0), 10)
        for a, b in zip(first, again):
            # The soundfont library's sums differ in their last bit; see `Fluid._settle`.
            self.assertLess(float(np.sqrt(((a.audio - b.audio) ** 2).mean())), 1e-4)
            np.testing.assert_array_equal(a.beats, b.beats)
            self.assertEqual(a.done, b.done)
        self.assertFalse(np.array_equal(first[0].audio, other[0].audio))

    def test_shape_and_range(self) -> None:
        for seed in range(9):
            song = sound.example(seed, 26.0, ("electronic", "acoustic", "mixed")[seed % 3])
            results = sound.render(song, seed)
            self.assertEqual(len(results), 3)
            for r in results:
                self.assertEqual(r.audio.dtype, np.float32)
                self.assertEqual(r.audio.ndim, 1)
                self.assertTrue(np.isfinite(r.audio).all())
                self.assertLessEqual(np.abs(r.audio).max(), 1.0)
                self.assertGreater(np.abs(r.audio).max(), 0.01, str(r.done))
                self.assertGreater(len(r.audio) / RATE, 19.0)
                self.assertEqual(len(r.beats), len(r.positions))
                self.assertTrue((np.diff(r.beats) > 0).all())
                self.assertTrue((r.beats >= 0).all() and (r.beats < len(r.audio) / RATE).all())
                self.assertTrue(all(0 <= s < len(r.audio) / RATE for s, _ in r.sections))

    def test_truth_lies_on_the_kicks_of_every_mix(self) -> None:
        """Through random kits, mixes, speeds, wow, crops, padding and codec."""
        times = np.arange(0.731, 27.0, 0.5)
        errors, kinds = [], set()
        for seed in range(22):
            for r in sound.render(hits_song(times), seed):
                kinds.update(r.done)
                noisy = "noise" in r.done and float(r.done["noise"].split()[1]) < 32
                if noisy or "telephone" in r.done.values() or "highpass" in r.done.values():
                    continue  # The attack cannot be read off the waveform there.
                inner = r.beats[(r.beats > 0.2) & (r.beats < len(r.audio) / RATE - 0.3)]
                error = np.median([onset(r.audio, b) - b for b in inner])
                errors.append(error)
                self.assertLess(abs(error), TOLERANCE, f"seed {seed} {r.done}")
        self.assertGreater(len(errors), 30)
        self.assertLess(abs(np.median(errors)), 0.001)
        self.assertLessEqual({"speed", "wow", "cropped", "silence", "mp3"}, kinds)

    def test_speed_moves_truth(self) -> None:
        song = sound.example(3, 24.0)
        seen = 0
        for seed in range(6):
            for r in sound.render(song, seed):
                speed = r.done.get("speed", 1.0)
                if "wow" in r.done:
                    continue
                period = np.median(np.diff(r.beats))
                self.assertAlmostEqual(period * speed, 60 / song.tempo, places=3)
                seen += abs(speed - 1) > 0.02
        self.assertGreater(seen, 4)

    def test_crop_keeps_positions_with_their_beats(self) -> None:
        song = sound.example(4, 30.0)
        for seed in range(8):
            for r in sound.render(song, seed, 2):
                np.testing.assert_array_equal(np.diff(r.positions) % 4, np.ones(len(r.positions) - 1))
                if "cropped" not in r.done and "speed" not in r.done:
                    self.assertEqual(r.positions[0], 1)

    def test_silent_and_empty_songs(self) -> None:
        song = Song(1, "none", "mixed", 22.0, 100.0, np.array([1.0, 1.6]), np.array([1, 2]), [], [(1.0, "full")])
        for r in sound.render(song, 0):
            self.assertTrue(np.isfinite(r.audio).all())


if __name__ == "__main__":
    unittest.main()
