"""Makes recordings of drums with the time and class of every hit.

    python make_hits.py --out AUDIO --songs 700
    python make_hits.py --out TEST --songs 60 --first 9000000

Each song gives `<seed>_drums.flac` and `<seed>_mix.flac` (44.1 kHz, mono) with a JSON file of the truth beside it. Songs
that are there are not made again, so the command can be interrupted and repeated.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import hit_setup  # noqa: F401
import numpy as np
import soundfile

from compose import compose
from fluid import RATE, synthesiser
from hit_classes import CLASSES
from hit_kits import FAMILY, draw_kit
from hit_render import record
from hit_songs import hits_of


def make(seed: int, out: Path) -> int:
    """Makes one song; returns the number of recordings."""
    rng = np.random.default_rng([seed, 77])
    song = compose(seed, float(rng.uniform(16.0, 26.0)))
    family = "fluid" if rng.random() < 0.58 else "timgm"
    fonts = tuple(f for f in sorted(synthesiser(RATE).fonts) if FAMILY[f] == family)
    if not fonts:
        raise SystemExit(f"no soundfont of the family {family} is installed")
    if rng.random() < 0.5:
        # One font for a song, as a player of MIDI files has it.
        fonts = (str(rng.choice(fonts)),)
    kit = draw_kit(rng, family)
    made = record(rng, song, hits_of(rng, song), kit, fonts)
    for kind, recording in made.items():
        soundfile.write(out / f"{seed}_{kind}.flac", recording.audio, RATE, subtype="PCM_16")
    for kind, recording in made.items():
        truth = {
            "kind": kind,
            "style": song.style,
            "family": family,
            "sources": kit.names,
            "families": sorted({*kit.families, *([family] if kind == "mix" else [])}),
            "done": recording.done,
            "classes": CLASSES,
            "hits": [[round(t, 5), int(c), round(v, 3), round(a, 1)] for t, c, v, a in recording.hits.tolist()],
        }
        (out / f"{seed}_{kind}.json").write_text(json.dumps(truth))
    return len(made)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=700)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.first, options.first + options.songs):
        if any((options.out / f"{seed}_{kind}.json").exists() for kind in ("drums", "mix")):
            continue
        make(seed, options.out)
        if seed % 25 == 0:
            print(seed, flush=True)


if __name__ == "__main__":
    main()
