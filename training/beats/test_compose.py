"""Tests of the composer: truth that is legal, notes inside the song, every style alive, determinism.

Run with `python -m unittest test_compose` from this folder.
"""

from __future__ import annotations

import unittest
from collections import Counter

import numpy as np

from compose import compose
from song import ROLES, Song
from styles import BY_NAME, ELECTRONIC, STYLES

SONGS = 400


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


if __name__ == "__main__":
    unittest.main()
