"""The VST3 in DawDreamer, a host with a tempo map: `python dawdreamer_host.py PATH/Loopwright.vst3`.

Plays music with a loop planted at a known place, with the plugin set to write what it finds, and looks for the loop among
the files.
"""

import glob
import os
import sys
import tempfile
import time

import dawdreamer as daw
import numpy as np

import loopwright as lw

PPQN = 960
LOOP_BARS, TIMES = 4, 4
INTRO_BARS, OUTRO_BARS = 8, 8
FAST, SLOW = 120.0, 100.0
BAR = round(lw.RATE * 60 / FAST) * 4

music = lw.Music(1)
planted = music.bars(LOOP_BARS, FAST)
source = np.concatenate(
    [music.bars(INTRO_BARS, FAST), *[planted] * TIMES, music.bars(OUTRO_BARS, SLOW)], axis=1
)
first, last = INTRO_BARS * BAR, (INTRO_BARS + LOOP_BARS * TIMES) * BAR
fast_beats = (INTRO_BARS + LOOP_BARS * TIMES) * 4
tempo_map = np.concatenate([np.full(fast_beats * PPQN, FAST), np.full((OUTRO_BARS + 2) * 4 * PPQN, SLOW)])


def play(engine, plugin, sound):
    """Sends sound through the plugin; what comes out."""
    graph = [(engine.make_playback_processor("source", sound), []), (plugin, ["source"])]
    engine.load_graph(graph)
    engine.render(sound.shape[1] / lw.RATE)
    return engine.get_audio()[:, : sound.shape[1]]


def place(planes):
    """Where in the source a stretch comes from, to the sample; None if it is not from there to the last bit of 24."""
    length = planes.shape[1]
    at = np.arange(source.shape[1] - length + 1)
    # Ever fewer places are left the more samples are looked at.
    for i in list(range(0, length, max(1, length // 40))):
        at = at[np.abs(source[0, at + i] - planes[0, i]) <= 2.0**-23]
    for start in at:
        if np.abs(source[:, start : start + length] - planes).max() <= 2.0**-23:
            return start
    return None


def planted_file(path):
    """Whether a file is a whole number of bars of the planted stretch, sample for sample."""
    planes, rate = lw.read_wav(path)
    frames = planes.shape[1]
    if rate != lw.RATE or planes.shape[0] != 2 or frames % BAR or frames == 0:
        return False
    # The seam of a loop may be treated; what is between must be the source. A loop may begin a little before its bar,
    # where its first note does.
    edge = BAR // 16
    start = place(planes[:, edge : frames - edge])
    if start is None:
        return False
    start -= edge
    off_the_bar = (start + BAR // 2) % BAR - BAR // 2
    return abs(off_the_bar) < lw.RATE // 20 and first - lw.RATE // 20 <= start <= last - frames + lw.RATE // 20


def attempt(folder):
    """One run; the files that hold planted bars, and all files."""
    engine = daw.RenderEngine(lw.RATE, 512)
    plugin = engine.make_plugin_processor("loopwright", sys.argv[1])
    preset = os.path.join(folder, "state.vstpreset")
    lw.write_preset(preset, lw.state(folder=folder, export_automatically=8, history_seconds=240))
    assert plugin.load_vst3_preset(preset)
    engine.set_bpm(tempo_map, ppqn=PPQN)
    out = play(engine, plugin, source)
    assert lw.bits_equal(out, source[:, : out.shape[1]]), "the sound was changed"
    files = []
    until = time.monotonic() + 120
    while time.monotonic() < until:
        files = sorted(glob.glob(os.path.join(folder, "**", "*.wav"), recursive=True))
        found = [path for path in files if planted_file(path)]
        if found:
            return found, files
        time.sleep(0.5)
    return [], files


def main():
    engine = daw.RenderEngine(lw.RATE, 512)
    plugin = engine.make_plugin_processor("loopwright", sys.argv[1])
    assert plugin.get_latency_samples() == 0 if hasattr(plugin, "get_latency_samples") else True
    odd = lw.odd_sound(lw.RATE, 7)
    out = play(engine, plugin, odd)
    assert lw.bits_equal(out, odd[:, : out.shape[1]]), "odd sound was changed"
    del engine, plugin

    # The host renders as fast as it can and may outrun the plugin, which then says so and keeps what it has.
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            found, files = attempt(folder)
            if found:
                print(f"dawdreamer: passed sound to the bit, wrote {len(files)} files, {len(found)} of planted bars")
                return
            for path in files:
                planes, rate = lw.read_wav(path)
                print(os.path.basename(path), rate, planes.shape[1] / BAR, place(planes[:, 3000:-3000]))
    sys.exit("no file holds the planted bars")


main()
