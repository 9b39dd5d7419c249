"""Players of bass, accompaniment and pads: figures turned into notes over the chords."""

from __future__ import annotations

from dice import Dice
from figures import bass_figure, comp_figure, events
from form import Bar, Section
from harmony import Chords, Key, voice
from melody import Event
from styles import Style


def anticipated(line: list[Event], chords: Chords) -> list[Event]:
    """Moves the attacks that meet an anticipated chord change to where it is heard; what they cover is dropped."""
    changes = [(c.start, c.push) for c in chords.all if c.push > 0.0]
    if not changes:
        return line
    out: list[Event] = []
    index = 0
    for event in sorted(line):
        while index < len(changes) and changes[index][0] < event[0] - 1e-6:
            index += 1
        if index < len(changes):
            start, push = changes[index]
            if abs(event[0] - start) < 1e-6:
                out.append((start - push, event[1] + push, event[2], event[3]))
                continue
            if start - push - 1e-6 < event[0] < start:
                continue
            if event[0] < start - push < event[0] + event[1]:
                event = (event[0], start - push - event[0], event[2], event[3])
        out.append(event)
    return out


class Bass:
    """Bass player of one song: a figure for each theme."""

    def __init__(self, dice: Dice, style: Style, key: Key) -> None:
        self.dice, self.style, self.key = dice, style, key
        self.low = dice.pick((28, 30, 33, 36)) if style.palette != "electronic" else dice.pick((26, 28, 31, 36))
        self.gate = dice.pick((1.0, 0.95, 0.8, 0.55))
        name = dice.pick(style.bass)
        self.figures = {}
        for theme in "ABC":
            if theme != "A" and dice.coin(0.4):
                name = dice.pick(style.bass)
            self.figures[theme] = (name, bass_figure(dice, name, style.steps, style.meter))
        #: How likely a run leads into the next section.
        self.runs = dice.uniform(0.2, 0.9) if dice.coin(0.3) else 0.0

    def play(
        self,
        bars: list[Bar],
        section: Section,
        chords: Chords,
        kicks: dict[int, list[float]],
        riff: dict[int, list[float]],
    ) -> list[Event]:
        """Events of one section; `kicks` and `riff` are attacks by bar start, which some figures follow."""
        name, figure = self.figures[section.theme]
        if name in ("walk", "walk8"):
            return self._walk(bars, chords, name == "walk8")
        out: list[Event] = []
        dice = self.dice
        for bar in bars:
            if name in ("follow", "follow_riff"):
                places = (riff if name == "follow_riff" and riff else kicks).get(bar.start) or [0.0]
                line = [
                    (p, (places[i + 1] if i + 1 < len(places) else bar.beats) - p, "R") for i, p in enumerate(places)
                ]
            else:
                line = events(figure[bar.index % len(figure)], self.style.steps, bar.beats)
            for at, length, ch in line:
                where = bar.start + at
                if ch == "?" and dice.coin():
                    continue
                chord = chords.after(where) if ch in "Nl" else chords.heard_at(where)
                root = self.low + (chord.root - self.low) % 12
                pitch = root + self._interval(ch, chord.intervals)
                if ch == "T":
                    pitch = self.low + (self.key.tonic - self.low) % 12
                out.append(
                    (
                        where,
                        max(0.08, length * self.gate),
                        pitch,
                        dice.whole(66, 80) if ch == "r" else dice.whole(92, 112),
                    )
                )
        if self.runs and dice.coin(self.runs):
            out = self._run(out, bars[-1], chords)
        return out

    def _run(self, out: list[Event], bar: Bar, chords: Chords) -> list[Event]:
        """Replaces the end of a section by a run up or down to the root that follows."""
        dice = self.dice
        end = float(bar.start + bar.beats)
        unit = 1 / 3 if self.style.steps == 3 else dice.pick((0.5, 0.5, 0.25, 1.0))
        count = min(dice.whole(2, 4), int(bar.beats / unit))
        following = chords.at(end + 1e-3)
        target = self.low + (following.root - self.low) % 12
        sign = dice.pick((-1, 1))
        start = end - count * unit
        out = [event for event in out if event[0] < start - 1e-6]
        out.extend(
            (start + i * unit, unit * 0.95, target + sign * (count - i) * dice.pick((1, 2)), dice.whole(88, 108))
            for i in range(count)
        )
        return out

    def _interval(self, ch: str, intervals: tuple[int, ...]) -> int:
        if ch == "8":
            return 12
        if ch == "5":
            return (
                intervals[-1]
                if len(intervals) == 2
                else intervals[2]
                if len(intervals) > 2 and 6 <= intervals[2] <= 8
                else 7
            )
        if ch == "3":
            return intervals[1] if len(intervals) > 2 else 3
        if ch == "l":
            return self.dice.pick((-1, -2, 1, 2))
        return {"6": 9, "7": 10, "4": 5}.get(ch, 0)

    def _walk(self, bars: list[Bar], chords: Chords, eighths: bool) -> list[Event]:
        out: list[Event] = []
        dice = self.dice
        pitch = self.low + 7
        for bar in bars:
            for beat in range(bar.beats):
                where = float(bar.start + beat)
                chord = chords.at(where)
                following = chords.at(where + 1.0)
                root = self.low + (chord.root - self.low) % 12
                if abs(chord.start - where) < 1e-6 or (beat == 0 and dice.coin(0.6)):
                    pitch = root
                elif following is not chord:
                    target = self.low + (following.root - self.low) % 12
                    pitch = target + dice.pick((-1, 1, -2, 2, 7, -5))
                elif dice.coin(0.5):
                    pitch = root + dice.pick(chord.intervals)
                else:
                    pitch += dice.pick((-2, -1, 1, 2))
                pitch = max(self.low - 3, min(self.low + 19, pitch))
                velocity = dice.whole(88, 108)
                out.append((where, 0.92, pitch, velocity))
                if self.style.steps == 4 and dice.coin(0.35 if eighths else 0.07):
                    out[-1] = (where, 0.46, pitch, velocity)
                    out.append((where + 0.5, 0.46, pitch + dice.pick((0, 0, 12, 7, -2, 2)), velocity - 14))
        return out


class Comp:
    """Accompanist: a figure for each theme, voiced over the chords."""

    def __init__(self, dice: Dice, style: Style, layer: str, figures: tuple[str, ...] = ()) -> None:
        """Plays the style's figures, or those named."""
        self.dice, self.style = dice, style
        self.low = dice.pick((45, 48, 52, 55, 57, 60, 64, 67))
        self.gate = dice.pick((1.0, 0.95, 0.7, 0.4))
        names = figures or style.comp
        if layer == "chords2" and style.steps == 4 and dice.coin(0.4):
            names = (*names, "stabs", "sparse", "half", "offbeat")
        name = dice.pick(names)
        self.figures = {}
        for theme in "ABC":
            if theme != "A" and dice.coin(0.45):
                name = dice.pick(names)
            self.figures[theme] = (name, comp_figure(dice, name, style.steps, style.meter))
        # Seconds between the strings of a strum, as beats at the usual tempo of the style.
        pace = (style.bpm[0] * style.bpm[1]) ** 0.5 / 60.0
        self.strum = dice.uniform(0.003, 0.014) * pace if dice.coin(0.4) and style.palette != "electronic" else 0.0
        self.follow = dice.coin(0.25)

    def play(self, bars: list[Bar], section: Section, chords: Chords) -> list[Event]:
        """Events of one section."""
        name, figure = self.figures[section.theme]
        dice = self.dice
        out: list[Event] = []
        if name == "long":
            return self._long(bars, chords)
        for bar in bars:
            for at, length, ch in events(figure[bar.index % len(figure)], self.style.steps, bar.beats):
                where = bar.start + at
                if ch == "?" and dice.coin():
                    continue
                chord = chords.heard_at(where)
                hold = max(0.08, length * self.gate)
                tones = voice(chord, self.low)
                if ch in "BF":
                    root = 40 + (chord.root - 40) % 12 + (7 if ch == "F" else 0)
                    out.append((where, hold, root, dice.whole(86, 104)))
                elif ch.isdigit():
                    octave, place = divmod(int(ch), len(tones))
                    out.append((where, hold, tones[place] + 12 * octave, dice.whole(76, 96)))
                else:
                    velocity = {"X": 112, "o": 64}.get(ch, 92) + dice.whole(-5, 5)
                    out.extend((where + self.strum * i, hold, tone, velocity) for i, tone in enumerate(tones))
        if name not in ("long", "single", "stabs", "sparse") and self.follow:
            # Attack every chord change too, also where the figure rests.
            places = {event[0] for event in out}
            for chord in chords.all:
                if bars[0].start <= chord.start < bars[-1].start + bars[-1].beats and chord.start not in places:
                    out.extend((chord.start, 0.5 * self.gate, tone, 96) for tone in voice(chord, self.low))
        return out

    def _long(self, bars: list[Bar], chords: Chords) -> list[Event]:
        """Every chord held from its change to the next, attacked anew on some bar lines."""
        start, end = bars[0].start, bars[-1].start + bars[-1].beats
        out: list[Event] = []
        again = self.dice.pick((0, 0, 1, 2))
        marks = {float(bar.start) for bar in bars if again and bar.index % again == 0}
        for chord in chords.all:
            if chord.end <= start or chord.start >= end:
                continue
            first, stop = max(start, chord.start), min(end, chord.end)
            places = sorted({first, *(m for m in marks if first < m < stop)})
            for i, where in enumerate(places):
                until = places[i + 1] if i + 1 < len(places) else stop
                velocity = self.dice.whole(74, 96)
                out.extend(
                    (where + self.strum * k, until - where, tone, velocity)
                    for k, tone in enumerate(voice(chord, self.low))
                )
        return out


class Pad:
    """Sustained chords; in clubs sometimes ducked on every beat as by a side-chain, or gated."""

    def __init__(self, dice: Dice, style: Style) -> None:
        self.dice = dice
        self.low = dice.pick((48, 53, 60))
        self.duck = dice.pick((0.25, 0.3, 0.5)) if style.form == "club" and dice.coin(0.3) else 0.0
        self.slow = 0.12 if dice.coin(0.3) else 0.0

    def play(self, bars: list[Bar], section: Section, chords: Chords) -> list[Event]:
        """Events of one section."""
        start, end = bars[0].start, bars[-1].start + bars[-1].beats
        out: list[Event] = []
        if self.duck:
            for beat in range(start, end):
                tones = voice(chords.heard_at(float(beat) + self.duck), self.low)
                out.extend((beat + self.duck, 1.0 - self.duck, tone, 84) for tone in tones)
            return out
        for chord in chords.all:
            if chord.end <= start or chord.start >= end:
                continue
            first, stop = max(start, chord.start), min(end, chord.end)
            velocity = self.dice.whole(66, 90)
            out.extend((first + self.slow, stop - first - self.slow, tone, velocity) for tone in voice(chord, self.low))
        return out
