"""Tests of the composer: truth that is legal, notes inside the song, every style alive, determinism.

Run with `python -m unittest test_compose` from this folder.
"""

from __future__ import annotations

import unittest
from collections import Counter

import numpy as np

from compose import compose
from dice import Dice
from figures import events
from grooves import euclid
from harmony import Chord, Chords, choose_key, lay_out, make_loop
from patterns import PATTERNS, beats_of
from players import anticipated
from song import ROLES, Song
from styles import BY_NAME, ELECTRONIC, STYLES
from timing import make_tempo, swing

SONGS = 300


def hits_at(song: Song, keys: tuple[int, ...], tolerance: float = 0.04) -> np.ndarray:
    """Whether each beat of `song` has a drum of `keys` within `tolerance` seconds."""
    times = np.array(sorted(n.start for p in song.parts if p.role == "drums" for n in p.notes if n.pitch in keys))
    if not len(times):
        return np.zeros(len(song.beats), dtype=bool)
    right = np.clip(np.searchsorted(times, song.beats), 0, len(times) - 1)
    left = np.maximum(0, right - 1)
    return np.minimum(np.abs(times[right] - song.beats), np.abs(times[left] - song.beats)) <= tolerance


def kinds_at(song: Song) -> list[str]:
    """Kind of the section in which each beat lies."""
    starts = np.array([t for t, _ in song.sections]) - 0.02
    return [song.sections[max(0, int(i) - 1)][1] for i in np.searchsorted(starts, song.beats, side="right")]


class Truth(unittest.TestCase):
    songs: list[Song]

    @classmethod
    def setUpClass(cls) -> None:
        cls.songs = [compose(seed) for seed in range(SONGS)]

    def test_beats_increase_at_a_musical_pace(self) -> None:
        for song in self.songs:
            steps = np.diff(song.beats)
            self.assertGreater(len(song.beats), 8, song.seed)
            self.assertGreater(steps.min(), 60.0 / 330.0, song.seed)
            self.assertLess(steps.max(), 60.0 / 20.0, song.seed)
            self.assertGreaterEqual(song.beats[0], 0.0)
            self.assertLess(song.beats[-1], song.duration)
            low, high = BY_NAME[song.style].bpm
            self.assertTrue(low * 0.99 <= song.tempo <= high * 1.01, song.style)
            self.assertAlmostEqual(np.median(steps) * song.tempo / 60.0, 1.0, delta=0.35)

    def test_positions_cycle(self) -> None:
        odd = 0
        for song in self.songs:
            meter = BY_NAME[song.style].meter
            steps = np.stack([song.positions[:-1], song.positions[1:]], axis=1)
            legal = (steps[:, 1] == steps[:, 0] + 1) | (steps[:, 1] == 1)
            self.assertTrue(legal.all(), song.seed)
            self.assertEqual(song.positions.min(), 1)
            early = (steps[:, 1] == 1) & (steps[:, 0] != meter)
            late = steps[:, 1] > meter
            odd += bool(early.any() or late.any())
            self.assertLess(int(early.sum()), len(steps) / 3, song.seed)
        self.assertGreater(odd, 0, "no song has a bar of the wrong length")
        self.assertLess(odd, 0.12 * len(self.songs))

    def test_notes_lie_in_the_song(self) -> None:
        for song in self.songs:
            self.assertTrue(song.parts, song.seed)
            onsets = []
            for part in song.parts:
                self.assertIn(part.role, ROLES)
                self.assertTrue(0 <= part.program <= 127)
                for note in part.notes:
                    self.assertTrue(0.0 <= note.start < song.duration, (song.seed, part.role))
                    self.assertTrue(0.0 < note.duration and note.start + note.duration <= song.duration + 0.05)
                    self.assertTrue(0 <= note.pitch <= 127 and 1 <= note.velocity <= 127)
                if part.role != "fx":
                    onsets.extend(note.start for note in part.notes)
            # The truth starts and ends with the music.
            self.assertLess(abs(song.beats[0] - min(onsets)), 16.0)
            self.assertGreater(song.beats[0], min(onsets) - 0.1)

    def test_sections_start_on_downbeats(self) -> None:
        for song in self.songs:
            downs = song.beats[song.positions == 1]
            for start, _ in song.sections:
                if song.beats[0] - 0.01 <= start <= song.beats[-1]:
                    self.assertLess(np.abs(downs - start).min(), 1e-6, song.seed)

    def test_notes_are_on_the_grid_of_exact_songs(self) -> None:
        """In electronic songs most onsets lie on sixteenths or triplets of the true beats."""
        shares = []
        for song in self.songs:
            if song.style not in ELECTRONIC or len(song.beats) < 16:
                continue
            onsets = np.array([n.start for p in song.parts if p.role == "drums" for n in p.notes])
            onsets = onsets[(onsets > song.beats[0]) & (onsets < song.beats[-1])]
            if len(onsets) > 40:
                at = np.interp(onsets, song.beats, np.arange(len(song.beats)))
                shares.append(np.mean(np.abs(at - np.round(at * 2) / 2) < 0.02))
        self.assertGreater(np.mean(shares), 0.6)

    def test_four_on_the_floor(self) -> None:
        kicks, others = [], []
        for song in self.songs:
            if song.style in ("house", "techno", "trance", "hardstyle", "disco", "deep_house"):
                full = np.array([k in ("full", "alt") for k in kinds_at(song)])
                if full.sum() > 16:
                    kicks.extend(hits_at(song, (36,))[full])
            if song.style in ("trap", "dubstep", "dnb"):
                full = np.array([k in ("full", "alt") for k in kinds_at(song)])
                if full.sum() > 16:
                    hits = hits_at(song, (36,))
                    others.append([hits[full & (song.positions == p)].mean() for p in (1, 2, 3, 4)])
        self.assertGreater(np.mean(kicks), 0.82)
        mean = np.nanmean(np.array(others), axis=0)
        self.assertGreater(mean[0], 0.7)
        self.assertLess(mean[1], 0.4)


class Variety(unittest.TestCase):
    def test_every_style_composes(self) -> None:
        for style in STYLES:
            for seed in range(4):
                song = compose(10_000 + seed, 30.0, style.name)
                self.assertEqual(song.style, style.name)
                self.assertGreater(len(song.beats), 6, style.name)
                self.assertGreater(sum(len(p.notes) for p in song.parts), 15, (style.name, seed))

    def test_styles_are_drawn_by_weight(self) -> None:
        count = Counter(compose(seed, 8.0).style for seed in range(20_000, 22_500))
        total = sum(style.weight for style in STYLES)
        for style in STYLES:
            expected = 2500 * style.weight / total
            self.assertLess(abs(count[style.name] - expected), 5.0 * np.sqrt(expected) + 2.0, style.name)
        share = sum(n for name, n in count.items() if name in ELECTRONIC) / 2500
        self.assertTrue(0.34 < share < 0.48, share)

    def test_same_seed_same_song(self) -> None:
        for seed in (3, 17, 123):
            first, second = compose(seed), compose(seed)
            np.testing.assert_array_equal(first.beats, second.beats)
            self.assertEqual(first.parts, second.parts)
        self.assertNotEqual(compose(1).parts, compose(2).parts)


class Pieces(unittest.TestCase):
    def test_swing_moves_off_beats_only(self) -> None:
        beats = np.arange(0.0, 8.0, 0.25)
        for eighths, sixteenths in ((2 / 3, 0.5), (0.5, 0.6), (0.58, 0.5)):
            moved = swing(beats, eighths, sixteenths)
            self.assertTrue((np.diff(moved) > 0).all())
            np.testing.assert_allclose(moved[::4], beats[::4], atol=1e-12)
        np.testing.assert_allclose(swing(np.array([0.5, 1.5]), 2 / 3, 0.5), [2 / 3, 1 + 2 / 3])
        np.testing.assert_allclose(swing(np.array([0.25, 0.5]), 0.5, 0.6), [0.3, 0.5])

    def test_tempo_map_is_monotonic_and_starts_at_zero(self) -> None:
        for seed in range(60):
            tempo = make_tempo(Dice(seed), ("grid", "band", "free")[seed % 3], 120.0, 96, [0, 32, 64], 92)
            self.assertAlmostEqual(float(tempo.seconds(0.0)), 0.0)
            steps = np.diff(tempo.seconds(np.arange(-8.0, 100.0)))
            self.assertGreater(steps.min(), 0.3)
            self.assertLess(steps.max(), 1.6)

    def test_constant_tempo_is_exact(self) -> None:
        exact = 0
        for seed in range(60):
            tempo = make_tempo(Dice(seed), "grid", 125.0, 96, [0, 32, 64])
            if tempo.move == "constant":
                exact += 1
                np.testing.assert_allclose(tempo.seconds(np.arange(96.0)), np.arange(96.0) * 0.48, atol=1e-9)
        self.assertGreater(exact, 45)

    def test_figures_are_read_as_written(self) -> None:
        self.assertEqual(events("R__.5_..", 2, 4), ((0.0, 1.5, "R"), (2.0, 1.0, "5")))
        # A text that is too short goes on with its own end, one that is too long is cut.
        self.assertEqual([e[0] for e in events("x.x.", 1, 6)], [0.0, 2.0, 4.0])
        self.assertEqual([e[0] for e in events("x.x.", 1, 2)], [0.0])

    def test_chords_fill_a_section_without_holes(self) -> None:
        for seed in range(200):
            dice = Dice(seed)
            key, kind = choose_key(dice, ("pop", "jazz", "modal", "drone", "blues", "riff", "latin"))
            chords = lay_out(make_loop(dice, key, kind, 4, 120.0), 8.0, 41.0, float(seed % 3 - 1))
            self.assertEqual((chords[0].start, chords[-1].end), (8.0, 41.0))
            for left, right in zip(chords[:-1], chords[1:], strict=True):
                self.assertEqual(left.end, right.start)
                self.assertGreater(left.end, left.start)

    def test_anticipation_moves_what_meets_the_change(self) -> None:
        chords = Chords([Chord(0.0, 4.0, 0, (0, 4, 7)), Chord(4.0, 8.0, 5, (0, 4, 7), push=0.5)])
        line = [(2.0, 2.0, 60, 90), (3.75, 0.2, 60, 90), (4.0, 1.0, 65, 90), (5.0, 1.0, 65, 90)]
        self.assertEqual([(a, b) for a, b, _, _ in anticipated(line, chords)], [(2.0, 1.5), (3.5, 1.5), (5.0, 1.0)])
        self.assertEqual(chords.heard_at(3.5).root, 5)
        self.assertEqual(chords.at(3.5).root, 0)

    def test_patterns_divide_their_bars(self) -> None:
        for name, rows in PATTERNS.items():
            beats = beats_of(name)
            for row in rows:
                for bars in row.alternatives:
                    for bar in bars:
                        self.assertIn(len(bar) / beats, (2, 3, 4, 6), (name, row.drum))
        for style in STYLES:
            for name in style.drums:
                self.assertEqual(beats_of(name), style.meter, (style.name, name))

    def test_euclid_spreads_evenly(self) -> None:
        for steps in (8, 12, 16):
            for hits in range(1, steps):
                text = euclid(hits, steps, 3)
                self.assertEqual((len(text), text.count("x")), (steps, hits))
                places = [i for i, ch in enumerate(text) if ch == "x"]
                gaps = [(b - a - 1) % steps + 1 for a, b in zip(places, places[1:] + places[:1], strict=True)]
                self.assertLessEqual(max(gaps) - min(gaps), 1)


if __name__ == "__main__":
    unittest.main()
