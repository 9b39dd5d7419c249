"""Tests of the recordings of drums: that hits are heard where the truth says, and that every class is played."""

from __future__ import annotations

import unittest

import hit_setup  # noqa: F401
import numpy as np

import hit_kits
import hit_render
import hit_songs
from compose import compose
from fluid import RATE
from hit_classes import CLASSES, INDEX, class_of
from hit_features import FAINT, UNKNOWN, targets
from kits import Hit


def some_kits() -> list[hit_kits.HitKit]:
    """Synthesised kits, and those of the fonts and files that are installed."""
    sources: list[hit_kits.Source] = [hit_kits.DrawnSource(s) for s in range(8)]
    sources += hit_kits.font_sources("fluid")[:2] + hit_kits.font_sources("timgm")[:2] + hit_kits.file_sources()[:1]
    return [hit_kits.HitKit({c: s for c in CLASSES if s.keys(c)}, i, i % 2 == 0) for i, s in enumerate(sources)]


class Kits(unittest.TestCase):
    """Sounds of kits."""

    def test_energy_rises_at_the_attack(self) -> None:
        for kit in some_kits():
            for key in (36, 38, 42, 46, 45, 39, 49, 51, 54, 70, 63):
                found = kit.sound(key, 100)
                if found is None:
                    continue
                self.assertLess(found.attack, 0.08)
                at = int(found.attack * RATE)
                before = np.abs(found.wave[:at]).max(initial=0.0)
                after = np.abs(found.wave[at : at + int(0.08 * RATE)]).max()
                self.assertLess(before, 0.3 * after, f"{kit.names} {key}")

    def test_attack_of_a_known_envelope(self) -> None:
        t = np.arange(4000) / RATE
        ramp = np.minimum(1.0, t / 0.02) * np.sin(2 * np.pi * 3000 * t)
        self.assertAlmostEqual(hit_kits.attack_of(ramp.astype(np.float32)), 0.003, delta=0.001)

    def test_the_same_seed_gives_the_same_kit(self) -> None:
        a, b = (hit_kits.draw_kit(np.random.default_rng(5), "timgm") for _ in range(2))
        self.assertEqual(a.names, b.names)
        x, y = a.sound(38, 90), b.sound(38, 90)
        self.assertTrue(x is not None and y is not None and np.array_equal(x.wave, y.wave))

    def test_recordings_of_another_family_stay_out(self) -> None:
        for seed in range(30):
            kit = hit_kits.draw_kit(np.random.default_rng(seed), "timgm")
            self.assertNotIn("fluid", kit.families)


class Recordings(unittest.TestCase):
    """Truth of finished recordings."""

    def test_drums_rise_at_the_truth(self) -> None:
        rng = np.random.default_rng(3)
        song = compose(3, 8.0)
        times = np.arange(0.5, 7.0, 0.8)
        keys = (36, 38, 42, 39, 45, 36, 38, 42, 37)
        hits = [Hit(float(t), k, 110) for t, k in zip(times, keys, strict=True)]
        kit = hit_kits.HitKit({c: hit_kits.DrawnSource(4) for c in CLASSES}, 1, True)
        made = hit_render.record(rng, song, hits, kit, ())
        truth = made["drums"].hits
        self.assertEqual([CLASSES[int(c)] for c in truth[:, 1]], [class_of(k) for k in keys])
        x = np.diff(made["drums"].audio.astype(np.float64))
        for t in truth[:, 0]:
            at = int(t * RATE)
            before = np.sqrt((x[at - 600 : at - 100] ** 2).mean())
            after = np.sqrt((x[at : at + 500] ** 2).mean())
            self.assertGreater(after, 2 * before, f"at {t}")
        if "mix" in made:
            self.assertTrue(np.allclose(made["mix"].hits[:, 0], truth[:, 0]))

    def test_a_hit_under_a_loud_one_is_faint(self) -> None:
        kit = hit_kits.HitKit({c: hit_kits.DrawnSource(4) for c in CLASSES}, 1, True)
        stems, placed = hit_render.place(kit, [Hit(0.5, 42, 90), Hit(1.5, 36, 110)], 2 * RATE, True)
        loud = np.random.default_rng(0).normal(0, 1, 2 * RATE).astype(np.float32)
        loud[: RATE] = 0.0
        rows = hit_render.truth(placed, {g: 0.01 for g in stems}, np.sum(list(stems.values()), axis=0) * 0.01 + loud)
        self.assertGreater(rows[0, 3], -3.0)
        self.assertLess(rows[1, 3], FAINT)

    def test_every_class_is_played(self) -> None:
        total: dict[str, int] = {}
        for seed in range(24):
            hits = hit_songs.hits_of(np.random.default_rng(seed), compose(seed, 16.0))
            self.assertTrue(all(a.start <= b.start for a, b in zip(hits[:-1], hits[1:], strict=True)))
            for name, count in hit_songs.counts(hits).items():
                total[name] = total.get(name, 0) + count
        everything = sum(total.values())
        for name in CLASSES:
            self.assertGreater(total.get(name, 0), 0.005 * everything, name)


class Targets(unittest.TestCase):
    """From truth to what the network shall answer."""

    def test_nearest_candidate_gets_the_hit(self) -> None:
        hits = np.array([[1.0, INDEX["kick"], 1, 0], [1.008, INDEX["hat_closed"], 1, -5], [2.0, INDEX["clap"], 1, -40]])
        got = targets(np.array([0.5, 1.004, 1.5, 2.001]), hits)
        self.assertEqual(got[1].tolist(), [1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
        self.assertFalse(got[0].any() or got[2].any())
        self.assertEqual((got[3, 0], got[3, 1 + INDEX["clap"]]), (UNKNOWN, UNKNOWN))

    def test_a_hit_too_far_away_is_nobodys(self) -> None:
        self.assertFalse(targets(np.array([1.04]), np.array([[1.0, 0, 1, 0]])).any())


if __name__ == "__main__":
    unittest.main()
