"""Composes training songs with exact beats: `compose(seed)`.

No music from elsewhere goes in: only the tables of this folder and a seeded generator. The order of work: style, tempo
and key; sections and bars; chords; players, who write in beats; then the tempo map, swing and the players' hands turn
beats into seconds; last the excerpt is cut, as a user's file might be.

To look at a song: `python training/beats/compose.py --seed 1 --midi out.mid` or `--table`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from dice import Dice
from drums import Drummer
from figures import random_hits
from form import Bar, Section, make_bars, make_sections
from harmony import Chords, choose_key, lay_out, make_loop, voice
from instruments import ROLE_OF, SOUNDS
from look import table, write_midi
from melody import Arp, Event, Line, Riff
from patterns import HAT, STICK
from players import Bass, Comp, Pad, anticipated
from song import Note, Part, Song
from styles import BY_NAME, ELECTRONIC, STYLES, Style
from timing import TempoMap, make_tempo, swing

#: Beats written before beat 0: count-in and pick-ups.
LEAD_IN = 8

#: (dice, style, layers, whether there are drums, bars) -> sections.
Form = Callable[[Dice, Style, set[str], bool, int], list[Section]]


def compose(seed: int, seconds: float = 48.0, style: str | None = None, form: Form = make_sections) -> Song:
    """Song of about `seconds` s for `seed`; `style` forces one of `styles.BY_NAME`, `form` lays out its sections.

    The same arguments give the same song. `Song.beats` runs from the first beat of music to the last. `form` may add
    to the set of layers that it is given: the song then has players for them.
    """
    return _Composer(seed, seconds, style, form).song()


class _Composer:
    """State of one composition."""

    def __init__(self, seed: int, seconds: float, style: str | None, form: Form) -> None:
        self.seed, self.seconds = seed, seconds
        self.dice = dice = Dice(seed)
        self.style: Style = BY_NAME[style] if style else dice.weighted([(s, s.weight) for s in STYLES])
        style_ = self.style
        self.electronic = style_.name in ELECTRONIC
        low, high = style_.bpm
        middle = dice.unit() if dice.coin(0.5) else (dice.unit() + dice.unit()) / 2
        self.bpm = low * (high / low) ** middle
        if style_.palette == "mixed":
            self.palette = dice.pick(("mixed", "electronic", "acoustic"))
        else:
            self.palette = style_.palette
        if self.electronic and dice.coin(0.7):
            self.bpm = max(1.0, round(self.bpm))
        total = max(3, int(np.ceil(seconds * self.bpm / 60.0 / style_.meter)) + 1)
        self.has_drums = not dice.coin(style_.drumless)
        self.layers = {layer for layer, p in style_.layers.items() if layer != "perc" and dice.coin(p)}
        if self.electronic and dice.coin(0.14):
            # A sketch: drums and one or two tracks, or not even those.
            self.layers = set(dice.some(sorted(self.layers), dice.pick((0, 1, 1, 2))))
        if self.has_drums and dice.coin(0.025):
            # A drummer alone.
            self.layers = set()
        if not self.has_drums and not self.layers & {"chords", "arp", "riff"}:
            self.layers.add("chords")
        if self.layers and not self.layers & {"bass", "chords", "lead", "arp", "riff"}:
            self.layers.add(dice.pick(("bass", "chords", "lead")))
        self.sections: list[Section] = form(dice, style_, self.layers, self.has_drums, total)
        self.bars: list[Bar] = make_bars(dice, style_, self.sections)
        self.bars_of = [[bar for bar in self.bars if bar.section == i] for i in range(len(self.sections))]
        self.total_beats = self.bars[-1].start + self.bars[-1].beats
        self.swing8 = dice.uniform(*style_.swing8) if style_.swing8[1] > 0.5 else 0.5
        self.swing16 = dice.uniform(*style_.swing16) if style_.swing16[1] > 0.5 and dice.coin(0.75) else 0.5
        if self.swing8 < 0.515:
            self.swing8 = 0.5
        self.key, self.kind = choose_key(dice, style_.harmony)
        self.chords = self._make_chords()
        sound = SOUNDS[dice.pick(style_.sound)]
        self.programs = {layer: dice.pick(programs) for layer, programs in sound.items()}
        #: Layer or "drums", "perc", "fx" -> events in beats.
        self.events: dict[str, list[Event]] = {}

    # ---- writing in beats ------------------------------------------------------------------------------------

    def _make_chords(self) -> Chords:
        dice, meter = self.dice, self.style.meter
        loops = {theme: make_loop(dice, self.key, self.kind, meter, self.bpm) for theme in "ABC"}
        if dice.coin(0.35):
            loops["B"] = loops["A"]
        displaced = float(dice.pick((1, 2, -1))) if dice.coin(0.05) and meter == 4 else 0.0
        chords = []
        for number, section in enumerate(self.sections):
            loop = loops[section.theme]
            if section.beats:
                loop = [(length * section.beats / meter, root, intervals) for length, root, intervals in loop]
            # After a bar of the wrong length the loop starts again, so that chords and bars stay together.
            usual = section.beats or meter
            ends = [bar.start + bar.beats for bar in self.bars_of[number] if bar.beats != usual]
            edges = sorted({section.start, *ends, section.end})
            for start, end in zip(edges[:-1], edges[1:], strict=True):
                chords.extend(lay_out(loop, start, end, displaced))
        if dice.coin(self.style.push):
            amount = (
                0.5
                if self.style.steps == 4 and not (self.electronic and dice.coin(0.4))
                else 1 / 3
                if self.style.steps == 3
                else 0.25
            )
            rate = dice.pick((0.25, 0.5, 0.9))
            for index, chord in enumerate(chords):
                if index and chord.start - chords[index - 1].start > 1.0 and dice.coin(rate):
                    chord.push = amount
        return Chords(chords)

    def _write(self) -> None:
        dice, style = self.dice, self.style
        riff = Riff(dice, style.name, style.steps, style.meter, self.key) if "riff" in self.layers else None
        riff_hits = {bar.start: riff.rhythm(bar, self.sections[bar.section]) for bar in self.bars} if riff else {}
        drummer = Drummer(dice, style, self.electronic)
        follow = None
        if riff and style.sound[0] == "metal" and dice.coin(0.12 if style.name == "thrash" else 0.4):
            follow = [
                riff_hits[bar.start] if "riff" in self.sections[bar.section].layers else [0.0, 2.0] for bar in self.bars
            ]
        pushes = {c.start - c.push for c in self.chords.all if c.push}
        drums, perc = drummer.play(self.bars, self.sections, follow, pushes)
        if not self.has_drums:
            drums, perc = [], perc if dice.coin(0.15) else []
        kicks: dict[int, list[float]] = {}
        if any(name == "follow" for name in style.bass):
            starts = [bar.start for bar in self.bars]
            for beat in sorted({h[0] for h in drums if h[2] == 36}):
                start = starts[int(np.searchsorted(starts, beat + 1e-6)) - 1]
                kicks.setdefault(start, []).append(beat - start)
        slow = self.bpm < 95
        players: dict[str, object] = {}
        for layer in sorted(self.layers):
            if layer == "bass":
                players[layer] = Bass(dice, style, self.key)
            elif layer in ("chords", "chords2"):
                players[layer] = Comp(dice, style, layer)
            elif layer == "pad":
                players[layer] = Pad(dice, style)
            elif layer == "arp":
                players[layer] = Arp(dice, style.steps, style.meter)
            elif layer == "riff":
                players[layer] = riff
            else:
                players[layer] = Line(dice, layer, style.steps, style.meter, self.key, slow, self.electronic)
        for number, section in enumerate(self.sections):
            bars = self.bars_of[number]
            patchy = dice.pick(sorted(section.layers)) if self.electronic and section.layers and dice.coin(0.15) else ""
            patch = dice.pick((lambda i: i % 2, lambda i: i % 2 == 0, lambda i: i % 4 == 3, lambda i: i % 4 < 2))
            for layer in sorted(section.layers):
                player = players[layer]
                part_bars = bars[len(bars) // 2 :] if layer in section.late else bars
                if layer == "bass":
                    new = player.play(part_bars, section, self.chords, kicks, riff_hits)
                else:
                    new = player.play(part_bars, section, self.chords)
                if layer == patchy and len(bars) >= 4:
                    # A clip that sounds only in some bars of each two or four.
                    spans = [(bar.start, bar.start + bar.beats) for bar in bars if patch(bar.index)]
                    new = [event for event in new if any(low <= event[0] < high for low, high in spans)]
                if layer in ("bass", "chords", "chords2", "pad"):
                    new = anticipated(new, self.chords)
                self.events.setdefault(layer, []).extend(new)
        if "counter" in self.events and "lead" in self.events and dice.coin(0.4):
            # The second voice in parallel below or above the first.
            shift = dice.pick((-3, -4, -5, 12, -12, 3, 4))
            self.events["counter"] = [(a, b, p + shift, max(1, v - 8)) for a, b, p, v in self.events["lead"]]
        if drums:
            self.events["drums"] = drums
        if perc:
            self.events["perc"] = perc
        self._enliven()
        self._echo()
        self._unison()
        self._effects()
        self._gaps()
        self._head()
        self._tail()

    def _enliven(self) -> None:
        """Gives an accompanist most of the long holes in which nothing is attacked."""
        onsets = sorted({0.0, float(self.total_beats), *(event[0] for line in self.events.values() for event in line)})
        limit = max(2.0 * self.style.meter, 4.0 * self.bpm / 60.0)
        for left, right in zip(onsets[:-1], onsets[1:], strict=True):
            if right - left > limit and self.dice.coin(0.85):
                bars = [bar for bar in self.bars if left <= bar.start < right - 1e-6]
                if bars:
                    names = (
                        ("eighths3", "offbeat3", "arpeggio3", "quarters")
                        if self.style.steps == 3
                        else ("quarters", "half", "stabs", "offbeat", "arpeggio", "ostinato8", "random")
                    )
                    player = Comp(self.dice, self.style, "chords", names)
                    self.events.setdefault("chords", []).extend(
                        player.play(bars, self.sections[bars[0].section], self.chords)
                    )

    def _echo(self) -> None:
        """A delay in time with the song on some sequenced layers."""
        dice = self.dice
        rate = 0.16 if self.electronic else 0.03
        for name in ("arp", "lead", "chords", "vocal", "perc", "chords2"):
            if name not in self.events or not dice.coin(rate):
                continue
            step = dice.pick((0.75, 0.75, 0.5, 0.25, 1.0) if self.style.steps == 4 else (1 / 3, 2 / 3, 1.0))
            decay = dice.uniform(0.4, 0.75)
            taps = dice.whole(1, 3)
            line = self.events[name]
            extra = [
                (a + step * k, min(b, 0.5), p, int(v * decay**k))
                for k in range(1, taps + 1)
                for a, b, p, v in line
                if v * decay**k > 15
            ]
            line.extend(event for event in extra if event[0] < self.total_beats)

    def _unison(self) -> None:
        """Hits of the whole band together, at the ends of some sections or all through a bar that returns."""
        dice, style = self.dice, self.style
        if not dice.coin(0.05 if self.electronic else 0.14):
            return
        rhythm = random_hits(dice, style.steps, style.meter, dice.uniform(0.4, 0.8), 0.8)
        whole = dice.coin(0.7)
        for bar in self.bars:
            section = self.sections[bar.section]
            if bar.index + 1 < section.bars and not (bar.index % 4 == 3 and dice.coin(0.2)) or dice.coin(0.4):
                continue
            low = bar.start + (0.0 if whole else bar.beats / 2)
            high = float(bar.start + bar.beats)
            places = [bar.start + hit / style.steps for hit in rhythm if low <= bar.start + hit / style.steps < high]
            for name in ("drums", "bass", "chords", "chords2", "riff", "arp"):
                line = self.events.get(name)
                if not line or not any(low <= event[0] < high for event in line):
                    continue
                line = [event for event in line if not low - 1e-6 <= event[0] < high - 1e-6]
                for place in places:
                    if name == "drums":
                        line.extend([(place, 0.1, 36, 112), (place, 0.1, dice.pick((38, 49, 49, 46)), 110)])
                    elif name != "arp":
                        tones = voice(self.chords.heard_at(place), 33 if name in ("bass", "riff") else 55)
                        line.extend((place, 0.25, tone, 108) for tone in (tones[:1] if name == "bass" else tones))
                self.events[name] = line

    def _effects(self) -> None:
        """Risers before sections, falls after them."""
        dice = self.dice
        rate = 0.5 if self.electronic else 0.05
        fx: list[Event] = []
        for index, section in enumerate(self.sections):
            length = float(min(section.end - section.start, dice.pick((4, 8, 16))))
            if section.kind == "build" or dice.coin(rate * 0.4):
                fx.append((section.end - length, length, 60, dice.whole(60, 100)))
            if index and dice.coin(rate * 0.25):
                fx.append((float(section.start), 4.0, 48, dice.whole(50, 90)))
        if fx:
            self.events["fx"] = fx
        if self.electronic and dice.coin(0.25):
            self._shots()

    def _shots(self) -> None:
        """One sample that returns every few bars, on the bar line or before it."""
        dice = self.dice
        every = dice.pick((2, 4, 4, 8, 8))
        turn = 0 if dice.coin(0.7) else every - 1
        shift = dice.pick((0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 3.5, 1.5)) if self.style.steps == 4 else 0.0
        layer = dice.pick(("perc", "vocal", "lead")) if self.has_drums else "vocal"
        pitch = dice.pick((39, 49, 57, 54, 56, 80, 52)) if layer == "perc" else dice.whole(58, 76)
        line = self.events.setdefault(layer, [])
        for bar in self.bars:
            if bar.index % every == turn and shift < bar.beats and not dice.coin(0.1):
                line.append((bar.start + shift, dice.pick((0.25, 0.5, 1.0)), pitch, 104))

    def _gaps(self) -> None:
        """Stops: everything, or everything but one layer, rests at the end of some sections."""
        dice = self.dice
        rate = 0.14 if self.electronic else 0.06
        for section in self.sections:
            if not dice.coin(rate):
                continue
            length = dice.pick((0.5, 1.0, 1.0, 2.0, float(self.style.meter)))
            low, high = section.end - length, section.end - (0.0 if dice.coin(0.8) else 0.5)
            spared = dice.pick(("vocal", "lead", "drums", "fx", "none"))
            for name, line in self.events.items():
                if name not in (spared, "fx"):
                    self.events[name] = [
                        (a, min(b, low - a) if a < low else b, p, v)
                        for a, b, p, v in line
                        if not low - 1e-6 <= a < high - 1e-6
                    ]

    def _head(self) -> None:
        """Count-in, pick-ups and free beginnings before beat 0."""
        dice, meter = self.dice, self.style.meter
        self.lead_silence = 0.0
        self.first_beat = 0
        self.prelude: list[tuple[str, Note]] = []
        draw = dice.unit()
        if draw < 0.06 and self.has_drums:
            count = min(LEAD_IN, meter * dice.pick((1, 1, 2)) if meter > 2 else 4)
            key = dice.pick((STICK, HAT, 31, 75))
            clicks = list(range(-count, 0)) if dice.coin(0.8) else [-count, -count // 2, *range(-count // 2 + 1, 0)]
            self.events.setdefault("drums", []).extend((float(b), 0.1, key, 96) for b in sorted(set(clicks)))
            self.first_beat = -count
        elif draw < 0.22:
            self._pickup()
        elif draw < 0.22 + (0.02 if self.electronic else 0.06):
            self._free_beginning()

    def _free_beginning(self) -> None:
        """Some seconds out of time before the first bar: held chords and stray notes, without beats."""
        dice = self.dice
        layers = [layer for layer in ("chords", "pad", "lead", "riff", "vocal", "arp") if layer in self.layers]
        if not layers:
            return
        layer = dice.pick(layers)
        length = dice.uniform(1.5, 9.0)
        at = -length
        while at < -0.4:
            gap = dice.uniform(0.15, 0.7) if layer not in ("chords", "pad") else dice.uniform(0.8, 3.0)
            tones = voice(dice.pick(self.chords.all), 55)
            hold = min(gap, -at - 0.05)
            for tone in tones if layer in ("chords", "pad", "riff") else (dice.pick(tones),):
                self.prelude.append((layer, Note(at, hold, tone, dice.whole(70, 100))))
            at += gap

    def _pickup(self) -> None:
        """An anacrusis of a half to three beats, by drums, bass or a tune."""
        dice, style = self.dice, self.style
        length = dice.pick((0.5, 1.0, 1.0, 1.5, 2.0, 3.0))
        if style.steps == 3:
            length = dice.pick((1 / 3, 2 / 3, 1.0, 2.0))
        unit = dice.pick((0.5, 0.5, 0.25, 1.0)) if style.steps == 4 else 1 / 3
        unit = min(unit, length)
        count = max(1, int(round(length / unit)))
        options = [layer for layer in ("lead", "vocal", "bass", "chords", "riff") if layer in self.layers]
        if self.has_drums:
            options += ["drums", "drums"]
        if not options:
            return
        layer = dice.pick(options)
        line = self.events.setdefault(layer, [])
        chord = self.chords.all[0]
        tones = voice(chord, 36 if layer in ("bass", "riff") else 60)
        for i in range(count):
            where = -(count - i) * unit
            if layer == "drums":
                line.append((where, 0.1, dice.pick((38, 38, 36, 47, 50)), 70 + 40 * i // count))
            else:
                line.append((where, unit * 0.9, dice.pick(tones) + dice.pick((0, 0, 2, -2)), dice.whole(84, 104)))
        self.first_beat = -int(np.ceil(count * unit - 1e-6))

    def _tail(self) -> None:
        """A final chord in some of the songs that end before the excerpt does."""
        dice = self.dice
        self.end_beat = float(self.total_beats)
        self.ends = dice.coin(0.25)
        if not self.ends:
            return
        keep = dice.uniform(0.6, 0.95)
        bar = self.bars[min(len(self.bars) - 1, max(2, int(len(self.bars) * keep)))]
        end = float(bar.start)
        for name, line in self.events.items():
            self.events[name] = [(a, min(b, end - a), p, v) for a, b, p, v in line if a < end - 1e-6]
        self.end_beat = end
        if dice.coin(0.7):
            chord = self.chords.at(0.0)
            length = dice.uniform(1.0, 6.0)
            for layer in ("bass", "chords", "riff", "pad"):
                if layer in self.events:
                    low = 33 if layer in ("bass", "riff") else 55
                    tones = voice(chord, low)[: 1 if layer == "bass" else 4]
                    self.events[layer].extend((end, length, tone, 100) for tone in tones)
            if "drums" in self.events and dice.coin(0.8):
                self.events["drums"].extend([(end, 0.1, 36, 110), (end, 0.1, 49, 110)])
            self.end_beat = end + 0.5

    # ---- beats to seconds --------------------------------------------------------------------------------------

    def song(self) -> Song:
        """The finished song."""
        self._write()
        dice, style = self.dice, self.style
        borders = [section.start for section in self.sections]
        kind = "grid" if self.palette == "electronic" and style.tempo != "free" else style.tempo
        tempo = make_tempo(dice, kind, self.bpm, self.total_beats, borders, int(self.end_beat) if self.ends else None)
        parts = self._perform(tempo)
        beats, positions = self._truth(tempo)
        onsets = [note.start for part in parts if part.role != "fx" for note in part.notes]
        first = min(onsets, default=0.0)
        offset = -float(tempo.seconds(float(self.first_beat)))
        if self.prelude:
            start = min(note.start for _, note in self.prelude)
            for name in {name for name, _ in self.prelude}:
                notes = [note for layer, note in self.prelude if layer == name]
                part = next((p for p in parts if p.role == ROLE_OF[name]), None)
                if part is None:
                    part = Part(ROLE_OF[name], self.programs[name])
                    parts.append(part)
                part.notes.extend(notes)
            offset -= start
        draw = dice.unit()
        noise = None
        cut = 0.0
        if draw < 0.25:
            offset += dice.uniform(0.02, 3.0)
        elif draw < 0.32:
            noise = dice.uniform(0.5, 4.0)
            offset += noise
        elif draw < 0.70:
            cut = dice.uniform(0.0, 8.0)
            offset -= cut
        duration = self.seconds
        for part in parts:
            part.notes = _shift(part.notes, offset, duration)
        if noise is not None:
            fx = next((part for part in parts if part.role == "fx"), None)
            if fx is None:
                fx = Part("fx", 97)
                parts.append(fx)
            fx.notes.insert(0, Note(0.0, noise + dice.uniform(0.0, 4.0), 55, dice.whole(50, 90)))
        parts = [part for part in parts if part.notes]
        times = beats + offset
        first += offset
        onsets = [note.start for part in parts if part.role != "fx" for note in part.notes]
        # Held notes cut by the start of the excerpt count as its first sound; what is free of time does not.
        first = min((t for t in onsets if t >= first - 1e-6), default=first)
        limit = float(tempo.seconds(self.end_beat)) + offset
        last = max(onsets, default=0.0)
        held = max(
            (note.start + note.duration for part in parts if part.role != "fx" for note in part.notes), default=0.0
        )
        stop = min(duration - 0.02, limit - 1e-6, max(last + 0.05, held - 0.3))
        keep = (times >= max(0.0, first - 0.06)) & (times <= stop)
        sections = [(float(tempo.seconds(float(s.start))) + offset, s.kind) for s in self.sections]
        inside = [(t, kind_) for t, kind_ in sections if 0.0 <= t < min(duration, stop)]
        before = [kind_ for t, kind_ in sections if t < 0.0]
        if before and (not inside or inside[0][0] > 1e-3):
            # The excerpt starts inside a section: name it from its first downbeat that is left.
            downs = times[keep & (positions == 1)]
            if len(downs) and (not inside or downs[0] < inside[0][0] - 1e-6):
                inside.insert(0, (float(downs[0]), before[-1]))
        return Song(
            seed=self.seed, style=style.name, palette=self.palette, duration=duration, tempo=float(self.bpm),
            beats=times[keep], positions=positions[keep], parts=parts, sections=inside,
        )  # fmt: skip

    def _truth(self, tempo: TempoMap) -> tuple[np.ndarray, np.ndarray]:
        meter = self.style.meter
        numbers = [*range(-LEAD_IN, 0)]
        places = [b % meter + 1 for b in numbers]
        for bar in self.bars:
            numbers.extend(range(bar.start, bar.start + bar.beats))
            places.extend(range(1, bar.beats + 1))
        numbers.append(self.total_beats)
        places.append(1)
        return tempo.seconds(np.array(numbers, dtype=np.float64)), np.array(places, dtype=np.int64)

    def _perform(self, tempo: TempoMap) -> list[Part]:
        dice, style = self.dice, self.style
        exact = self.electronic and dice.coin(0.85) or style.human[1] == 0.0
        spread = 0.0 if exact else dice.uniform(*style.human) / 1000.0
        lagging = not exact or dice.coin(0.1)
        # Dynamics: each section has a level, and most players stress the bar line a little.
        borders = np.array([section.start for section in self.sections], dtype=np.float64)
        depth = dice.uniform(0.0, 0.3) if not self.electronic or dice.coin(0.3) else 0.0
        level = 1.0 - depth * np.array([0.0] + [0.0 if s.kind == "full" else dice.unit() for s in self.sections])
        bar_starts = np.array([bar.start * 12 for bar in self.bars])
        wild = dice.coin(0.2 if self.electronic else 0.1)
        parts: list[Part] = []
        for name, line in self.events.items():
            if not line:
                continue
            line.sort()
            table = np.array(line, dtype=np.float64)
            starts = swing(table[:, 0], self.swing8, self.swing16)
            ends = swing(table[:, 0] + table[:, 1], self.swing8, self.swing16)
            begin, stop = tempo.seconds(starts), tempo.seconds(ends)
            length = np.maximum(0.03, stop - begin)
            if name != "fx":
                drums = name in ("drums", "perc")
                own = spread * (0.6 if drums else dice.uniform(0.6, 1.4))
                if own:
                    # One hand: the notes of a chord move together.
                    _, chord = np.unique(np.round(table[:, 0], 4), return_inverse=True)
                    begin = begin + np.clip(dice.rng.normal(0.0, own, chord.max() + 1), -2.5 * own, 2.5 * own)[chord]
                if lagging and not (drums and name == "drums"):
                    begin = begin + dice.uniform(-0.012, 0.018)
            velocity = table[:, 3]
            if name != "fx":
                velocity = velocity * level[np.searchsorted(borders, table[:, 0] + 1e-6, side="right")]
                if name not in ("drums", "perc") and dice.coin(0.6):
                    stress = dice.uniform(2.0, 12.0)
                    down = np.isin(np.round(table[:, 0] * 12), bar_starts)
                    on_beat = np.abs(table[:, 0] - np.round(table[:, 0])) < 1e-3
                    velocity = velocity + stress * (down + 0.5 * on_beat - 0.5)
            role = ROLE_OF.get(name, name)
            gain = dice.uniform(-5.0, 4.0) if self.electronic else dice.uniform(-4.0, 3.0)
            if wild:
                gain += dice.uniform(-6.0, 5.0)
            if self.electronic and name == "bass" and dice.coin(0.15):
                gain += 4.0
            part = Part(role, self.programs.get(name, 0) if name not in ("drums", "perc", "fx") else 0, gain_db=gain)
            pitches = np.clip(table[:, 2], 0, 127).astype(int).tolist()
            velocities = np.clip(velocity, 1, 127).astype(int).tolist()
            part.notes = [Note(*row) for row in zip(begin.tolist(), length.tolist(), pitches, velocities, strict=True)]
            parts.append(part)
        return parts


def _shift(notes: list[Note], offset: float, duration: float) -> list[Note]:
    """Notes moved by `offset` and cut to the song; those sounding at its start keep what is left of them."""
    out = []
    for note in notes:
        start = note.start + offset
        if start < 0.0:
            left = note.duration + start
            if start > -0.03:
                start = 0.0
            elif left > 0.25:
                note.duration, start = left, 0.0
            else:
                continue
        if start < duration:
            note.start = start
            note.duration = max(0.03, min(note.duration, duration - start))
            out.append(note)
    out.sort(key=lambda n: n.start)
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Composes a training song.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=48.0)
    parser.add_argument("--style", choices=sorted(BY_NAME))
    parser.add_argument("--midi", help="file to write")
    parser.add_argument("--table", action="store_true", help="print what is played where")
    options = parser.parse_args()
    song = compose(options.seed, options.seconds, options.style)
    if options.midi:
        write_midi(song, options.midi)
    if options.table or not options.midi:
        print(table(song))


if __name__ == "__main__":
    main()
