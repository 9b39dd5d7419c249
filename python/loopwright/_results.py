"""What was found, as Python has it. Times are seconds of the recording unless something else is said."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypedDict, TypeVar, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ._loopwright import Cut, NativeFeatures

Seconds = npt.NDArray[np.float64]


class Key(TypedDict):
    """A musical key."""

    name: str
    """Short name, such as ``Am``."""
    camelot: str
    """Place on the Camelot wheel, such as ``8A``."""
    confidence: float
    """How far it can be trusted, 0 to 1."""


class Section(TypedDict):
    """A section of the form."""

    start: float
    end: float
    bars: int
    content: str
    """Sections of one letter hold the same content."""
    unit_bars: int
    """After how many bars it repeats."""
    repeats: float | None
    """How well it repeats, 0 to 1; None where it is too short to tell."""
    below_loudest_db: float
    drums_only: bool
    drumless: bool


class Region(TypedDict):
    """A stretch of the recording."""

    start: float
    end: float


class Alternative(TypedDict):
    """Another reading of the rhythm."""

    name: str
    bpm: float
    beats_per_bar: int
    first_beat: float
    first_downbeat: float | None
    probability: float
    score: float
    settings: dict[str, Any]
    """Keys of the section ``rhythm`` that choose it: ``analyze(source, rhythm=alternative["settings"])``."""
    flags: str


class LoopFile(TypedDict):
    """A short file as a loop or a single sound."""

    kind: str
    bpm: float | None
    bars: float | None
    beats: int | None
    beats_per_bar: int | None
    confidence: float | None
    drums: float
    tags: list[str]


class Facts(TypedDict):
    """What is known of a recording after the work."""

    seconds: float
    sample_rate: int
    channels: int
    bpm: float | None
    beats_per_bar: int
    constant_tempo: bool
    grid_confidence: float
    key: str | None


class Hit(TypedDict):
    """A hit of a break."""

    onset: float
    """Its attack."""
    start: float
    end: float
    labels: list[str]
    """What it is, surest first; more than one where hits coincide."""
    confidence: float
    """How sure the first label is, 0 to 1."""
    level_db: float
    """Level of its attack, relative to the loud ones of the break."""
    cluster: int
    """Hits of one number sound alike."""


class FeatureInfo(TypedDict):
    """A feature that is measured."""

    schema: int
    name: str
    unit: str
    range: str
    width: int
    """How many columns it has: ``name`` for one, ``name_0`` … for more."""
    version: int
    doc: str


class Analysis:
    """What there is to know of a recording."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._beats = np.asarray(told["beats"], dtype=np.float64)
        self._downbeats = np.asarray(told["downbeats"], dtype=np.float64)
        self._beats.setflags(write=False)
        self._downbeats.setflags(write=False)

    def to_dict(self) -> dict[str, Any]:
        """The object that ``loopwright analyze --json`` prints."""
        return copy.deepcopy(self._told)

    @property
    def name(self) -> str:
        """The recording's name: its file's stem."""
        return cast(str, self._told["name"])

    @property
    def audio_id(self) -> str:
        """The recording's name by content: BLAKE3 of its samples and rate, in hexadecimal."""
        return cast(str, self._told["audio_id"])

    @property
    def artist(self) -> str | None:
        """The artist, where the file says. Untrusted."""
        return cast("str | None", self._told["artist"])

    @property
    def title(self) -> str | None:
        """The title, where the file says. Untrusted."""
        return cast("str | None", self._told["title"])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return cast(float, self._told["seconds"])

    @property
    def sample_rate(self) -> int:
        """Frames a second."""
        return cast(int, self._told["sample_rate"])

    @property
    def channels(self) -> int:
        """Channels."""
        return cast(int, self._told["channels"])

    @property
    def status(self) -> str:
        """Whether it can be used: ``normal`` or ``clipped``; ``empty``, ``too_short``, ``silent``, ``constant``."""
        return cast(str, self._told["status"])

    @property
    def warnings(self) -> list[str]:
        """What was odd about the file."""
        return cast("list[str]", self._told["warnings"])

    @property
    def bpm(self) -> float | None:
        """Beats a minute; None where there is no steady beat."""
        tempo = self._told["tempo"]
        return None if tempo is None else cast(float, tempo["bpm"])

    @property
    def constant_tempo(self) -> bool:
        """True where one tempo holds throughout."""
        tempo = self._told["tempo"]
        return tempo is not None and cast(bool, tempo["constant"])

    @property
    def confidence(self) -> float | None:
        """How far the grid can be trusted, beats and bars together, 0 to 1; None without beats."""
        tempo = self._told["tempo"]
        return None if tempo is None else cast(float, tempo["confidence"])

    @property
    def beat_confidence(self) -> float | None:
        """How sure the beats are, 0 to 1; None without beats."""
        sure = self._told["confidence"]
        return None if sure is None else cast(float, sure["beats"])

    @property
    def bar_confidence(self) -> float | None:
        """How sure the bar lines are where the beats are right, 0 to 1; None without beats."""
        sure = self._told["confidence"]
        return None if sure is None else cast(float, sure["bars"])

    @property
    def beats(self) -> Seconds:
        """Beats in seconds, ``float64 [beats]``, increasing; read-only."""
        return self._beats

    @property
    def downbeats(self) -> Seconds:
        """First beats of bars in seconds, ``float64 [bars]``, increasing; read-only."""
        return self._downbeats

    @property
    def beats_per_bar(self) -> int:
        """Beats a bar."""
        return cast(int, self._told["meter"]["beats_per_bar"])

    @property
    def key(self) -> Key | None:
        """The key; None where none stands out."""
        return cast("Key | None", self._told["key"])

    @property
    def sections(self) -> list[Section]:
        """Sections of the form, in order."""
        return cast("list[Section]", self._told["sections"])

    @property
    def regions(self) -> dict[str, list[Region]]:
        """Passages of a kind: ``breaks``, ``drumless``, ``quiet``."""
        return cast("dict[str, list[Region]]", self._told["regions"])

    @property
    def alternatives(self) -> list[Alternative]:
        """What else the rhythm could be taken for, the likeliest first."""
        return cast("list[Alternative]", self._told["alternatives"])

    @property
    def loop_file(self) -> LoopFile | None:
        """What it is as a file to be looped; None for what is too long to be one."""
        return cast("LoopFile | None", self._told["loop_file"])

    def __repr__(self) -> str:
        tempo = "no steady beat" if self.bpm is None else f"{self.bpm:.2f} BPM, {self.beats_per_bar}/4"
        return f"<Analysis of {self.name!r}: {self.duration:.1f} s, {tempo}>"


class _Cut:
    """A stretch of whole bars that loops."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._line: dict[str, Any] = told["line"]
        self._row: dict[str, Any] = told["row"]
        self._cut: Cut = told["cut"]

    def to_dict(self) -> dict[str, Any]:
        """The object that the command prints of it with ``--json``."""
        return copy.deepcopy(self._line)

    def to_row(self) -> dict[str, Any]:
        """Its row in the table that the command writes, by column."""
        return dict(self._row)

    def audio(self) -> npt.NDArray[np.float32]:
        """The samples as they would be written, ``float32 [channels, frames]`` at :attr:`sample_rate`.

        The seam is mended where it would click, and the level is as the settings say (the recording's own where they say
        nothing). The recording is kept in memory as long as this is.
        """
        return self._cut.audio()

    @property
    def number(self) -> int:
        """Place in the order, 1 the first."""
        return cast(int, self._line["number"])

    @property
    def start(self) -> float:
        """Where it begins, in seconds of the recording."""
        return cast(float, self._line["start"])

    @property
    def end(self) -> float:
        """Where it ends, in seconds of the recording."""
        return cast(float, self._line["end"])

    @property
    def start_frame(self) -> int:
        """Its first frame in the recording."""
        return cast(int, self._row["start_frame"])

    @property
    def frames(self) -> int:
        """Its length in frames."""
        return cast(int, self._row["frames"])

    @property
    def end_frame(self) -> int:
        """The frame after its last one."""
        return self.start_frame + self.frames

    @property
    def sample_rate(self) -> int:
        """Frames a second, the recording's."""
        return cast(int, self._row["sample_rate"])

    @property
    def bars(self) -> int:
        """Length in bars."""
        return cast(int, self._line["bars"])

    @property
    def beats(self) -> int:
        """Length in beats."""
        return cast(int, self._line["beats"])

    @property
    def bpm(self) -> float:
        """The tempo at which it runs round exactly."""
        return cast(float, self._line["bpm"])

    @property
    def score(self) -> float:
        """Its score; see ``docs/FORMATS.md`` for what it means."""
        return cast(float, self._line["score"])

    @property
    def crossfade_ms(self) -> float:
        """Length of the cross-fade at its wrap in milliseconds; 0 where none is needed."""
        return cast(float, self._line["crossfade_ms"])


class Suggestion(_Cut):
    """A loop that is suggested."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told)
        self._names: list[str] = told["names"]
        self._values: npt.NDArray[np.float32] = told["features"]

    @property
    def score_prob(self) -> float:
        """The probability that it is a good loop."""
        return cast(float, self._line["score_prob"])

    @property
    def score_share(self) -> float:
        """Its share among the recording's candidates."""
        return cast(float, self._line["score_share"])

    @property
    def score_rank(self) -> int:
        """Place by score among the recording's candidates, 1 the first."""
        return cast(int, self._line["score_rank"])

    @property
    def reasons(self) -> list[str]:
        """Why, in words."""
        return cast("list[str]", self._line["reasons"])

    @property
    def key(self) -> str | None:
        """The recording's key, such as ``Am``; None where none stands out."""
        return cast("str | None", self._row["key"])

    @property
    def features(self) -> dict[str, float]:
        """All its features by name."""
        return dict(zip(self._names, (float(x) for x in self._values)))

    def __repr__(self) -> str:
        return f"<Suggestion {self.number}: {self.bars} bars at {self.start:.3f} s, score {self.score:.3f}>"


class Break(_Cut):
    """A drum break."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told)
        self._hits: list[Hit] = told["hits"]

    @property
    def kind(self) -> str:
        """``drums_only`` or ``drum_heavy``."""
        return cast(str, self._line["kind"])

    @property
    def passage(self) -> tuple[float, float]:
        """Where the passage that it is part of begins and ends, in seconds."""
        return self._line["passage_start"], self._line["passage_end"]

    @property
    def hits(self) -> list[Hit]:
        """Its hits, in order of time."""
        return self._hits

    @property
    def classes(self) -> dict[str, int]:
        """How many hits it has of each class."""
        return cast("dict[str, int]", self._line["classes"])

    def __repr__(self) -> str:
        return f"<Break {self.number}: {self.bars} bars at {self.start:.3f} s, {len(self._hits)} hits>"


T = TypeVar("T")


class Found(list[T], Generic[T]):
    """What was found in a recording, the best first."""

    def __init__(self, items: Iterable[T], told: dict[str, Any]) -> None:
        super().__init__(items)
        #: Why nothing was found, where nothing was.
        self.detail: str = told["detail"]
        #: What was odd about the file.
        self.warnings: list[str] = told["warnings"]
        #: What is known of the recording; None for audio that cannot be used.
        self.facts: Facts | None = told["facts"]


class Features(NamedTuple):
    """The features of every candidate of a recording."""

    #: The names of the columns, in the order of the table that ``loopwright dataset`` writes (there ``bars`` stands apart).
    names: list[str]
    #: ``float32 [candidates, columns]``; NaN for what could not be measured.
    values: npt.NDArray[np.float32]
    #: A structured array ``[candidates]`` of ``start_time`` and ``end_time`` in seconds and ``bars``; ``pandas.DataFrame``
    #: takes it as it is.
    table: npt.NDArray[np.void]

    @classmethod
    def of(cls, told: NativeFeatures) -> Features:
        """From what the extension gives."""
        dtype = [("start_time", np.float64), ("end_time", np.float64), ("bars", np.uint32)]
        table = np.empty(len(told["bars"]), dtype=dtype)
        table["start_time"], table["end_time"], table["bars"] = told["start"], told["end"], told["bars"]
        return cls(told["names"], told["values"], table)
