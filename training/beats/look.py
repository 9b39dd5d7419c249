"""To look at a song: as a MIDI file, or as a table of what is played where."""

from __future__ import annotations

import numpy as np

from song import Song


def write_midi(song: Song, path: str) -> None:
    """Writes `song` as a MIDI file at 120 BPM (times are kept, not beats), with the beats as clicks on a track."""
    import mido

    file = mido.MidiFile(ticks_per_beat=480)
    channels = [c for c in range(16) if c != 9]
    for index, part in enumerate(song.parts):
        track = mido.MidiTrack()
        file.tracks.append(track)
        drums = part.role in ("drums", "perc")
        channel = 9 if drums else channels[index % len(channels)]
        track.append(mido.MetaMessage("track_name", name=part.role))
        if not drums:
            track.append(mido.Message("program_change", channel=channel, program=part.program))
        _fill_track(track, channel, [(n.start, n.duration, n.pitch, n.velocity) for n in part.notes])
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("track_name", name="beats"))
    _fill_track(
        track, 9, [(t, 0.05, 34 if p == 1 else 33, 100) for t, p in zip(song.beats, song.positions, strict=True)]
    )
    file.save(path)


def _fill_track(track, channel: int, notes: list[tuple[float, float, int, int]]) -> None:
    import mido

    messages = []
    for start, length, pitch, velocity in notes:
        messages.append((int(start * 960), 1, pitch, velocity))
        messages.append((int((start + length) * 960), 0, pitch, 0))
    now = 0
    for tick, on, pitch, velocity in sorted(messages):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick


def table(song: Song) -> str:
    """What each part plays in each bar, sixteen characters a bar, as text."""
    lines = [f"seed {song.seed} {song.style} {song.palette} {song.tempo:.1f} BPM, {len(song.beats)} beats"]
    lines.append("sections " + ", ".join(f"{t:.1f} {k}" for t, k in song.sections))
    if len(song.beats) < 2:
        return lines[0]
    downs = np.flatnonzero(song.positions == 1)
    numbers = np.arange(len(song.beats))
    rows: dict[str, np.ndarray] = {}
    for part in song.parts:
        for note in part.notes:
            beat = np.interp(note.start, song.beats, numbers, left=-1)
            if beat < 0:
                continue
            name = part.role if part.role not in ("drums", "perc") else f"{part.role[0]}{note.pitch}"
            rows.setdefault(name, np.zeros(len(song.beats) * 4 + 4, dtype=bool))[int(round(beat * 4))] = True
    for name in sorted(rows):
        text = "".join("x" if on else "." for on in rows[name])
        cut = [text[a * 4 : b * 4] for a, b in zip(downs[:-1], downs[1:], strict=True)]
        lines.append(f"{name:>7} |" + "|".join(cut[:12]))
    return "\n".join(lines)
