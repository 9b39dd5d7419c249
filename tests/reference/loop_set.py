#!/usr/bin/env python3
"""Writes loops that belong together in groups, to measure the contact map with: `loop_set.py DIR LOOPS GROUPS [--vary]`.

A group is a drum pattern of two bars, repeated over four bars at 120 BPM (8 s); its members have drums of their own, levels, timing
to a few milliseconds, and some hits more or fewer. With --vary each has a tempo from 100 to 140 BPM, and begins on any
beat of the pattern. Files are 16-bit mono at 44.1 kHz, named GROUP_MEMBER.wav. Needs numpy and soundfile.
"""
import argparse
from pathlib import Path

import numpy as np
import soundfile as sf

RATE, STEPS, BARS = 44100, 32, 4


def pattern(group):
    rng = np.random.default_rng(1000 + group)
    out = np.where(rng.random((3, STEPS)) < np.array([[0.22], [0.16], [0.45]]), rng.uniform(0.5, 1, (3, STEPS)), 0)
    out[0, 0] = 1
    return out


def member(strength, seed, vary):
    rng = np.random.default_rng(seed)
    bpm = round(rng.uniform(100, 140)) if vary else 120
    turn = 4 * int(rng.integers(8)) if vary else 0
    step = 15 / bpm * RATE
    out = np.zeros(round(BARS * 16 * step))
    hz = rng.uniform([45, 160, 5000], [65, 240, 9000])
    decay = rng.uniform([10, 16, 60], [22, 32, 120])
    level = rng.uniform([0.4, 0.2, 0.08], [0.6, 0.45, 0.25])
    flip = rng.random(strength.shape) < 0.04
    flip[:, 0] = False
    strength = np.where(flip, np.where(strength > 0, 0, 0.6), strength)
    for k in range(BARS * 16):
        for drum in range(3):
            s = strength[drum, (k + turn) % STEPS] * level[drum]
            if s == 0:
                continue
            start = int(k * step + rng.uniform(0, 0.004) * RATE)
            t = np.arange(min(int(7 / decay[drum] * RATE), len(out) - start)) / RATE
            tone = np.sin(2 * np.pi * (hz[drum] * t + (4 * (1 - np.exp(-45 * t)) if drum == 0 else 0)))
            noise = rng.uniform(-1, 1, len(t))
            sound = tone if drum == 0 else 0.6 * noise + 0.5 * tone if drum == 1 else noise * tone
            out[start:start + len(t)] += s * np.exp(-decay[drum] * t) * sound
    return np.clip(out, -1, 1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("dir", type=Path)
    ap.add_argument("loops", type=int)
    ap.add_argument("groups", type=int)
    ap.add_argument("--vary", action="store_true")
    a = ap.parse_args()
    a.dir.mkdir(parents=True, exist_ok=True)
    for n in range(a.loops):
        group = n % a.groups
        sf.write(a.dir / f"{group:04d}_{n // a.groups:04d}.wav", member(pattern(group), n, a.vary), RATE, subtype="PCM_16")


main()
