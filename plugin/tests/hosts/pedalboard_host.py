"""The VST3 in pedalboard, a host without a playhead: `python pedalboard_host.py PATH/Loopwright.vst3`."""

import json
import os
import sys
import tempfile

import numpy as np
import pedalboard

import loopwright as lw

plugin = pedalboard.load_plugin(sys.argv[1])
assert plugin.is_effect and not plugin.is_instrument
assert "bypass" in plugin.parameters, plugin.parameters.keys()
assert plugin.reported_latency_samples == 0

for number, rate in enumerate([8_000, 44_100, 48_000, 96_000, 192_000]):
    for block in [1, 64, 512, 8192]:
        sound = lw.odd_sound(20_000 if block > 1 else 500, number)
        out = plugin.process(sound, rate, buffer_size=block, reset=True)
        assert lw.bits_equal(out, sound), f"changed at {rate} Hz in blocks of {block}"

plugin.bypass = True
sound = lw.odd_sound(10_000, 99)
assert lw.bits_equal(plugin.process(sound, lw.RATE), sound), "changed while bypassed"
plugin.bypass = False


def kept(plugin):
    """The plugin's own part of its state."""
    text = plugin.preset_data
    start = text.index(b'{"version"')
    wrapper, _ = json.JSONDecoder().raw_decode(text[start:].decode("utf-8", "ignore"))
    return json.loads(wrapper["fields"]["loopwright"])


# A state goes there and back, into another instance too, to the byte.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "test.vstpreset")
    lw.write_preset(path, lw.state(history_seconds=77, folder=folder))
    plugin.load_preset(path)
assert kept(plugin)["settings"]["history_seconds"] == 77, kept(plugin)
other = pedalboard.load_plugin(sys.argv[1])
other.raw_state = plugin.raw_state
assert other.raw_state == plugin.raw_state
assert kept(other) == kept(plugin)

# States that are none do no harm.
good = plugin.raw_state
rng = np.random.default_rng(3)
for _ in range(50):
    bad = bytearray(good)
    for at in rng.integers(0, len(bad), 8):
        bad[at] = rng.integers(256)
    try:
        other.raw_state = bytes(bad)
    except Exception:  # pedalboard refuses what it cannot read itself
        pass
sound = lw.odd_sound(10_000, 100)
assert lw.bits_equal(other.process(sound, lw.RATE), sound)

# Many instances, in any order.
many = [pedalboard.load_plugin(sys.argv[1]) for _ in range(8)]
for instance in many[::-1]:
    assert lw.bits_equal(instance.process(sound, lw.RATE), sound)
del many

print("pedalboard: loaded, passed sound to the bit, kept its state")
