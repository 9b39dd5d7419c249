//! Styles: tempo, feel, kit, instruments and the patterns to choose from.
//!
//! Patterns are written as drum machines show them, one character a sixteenth: `X` loud, `x` normal, `o` soft, `.` rest.
//! In bass lines `r` is the chord's root, `o` the octave, `f` the fifth, `-` holds the note.

use super::drums::{Kit, Piece};
use super::voices::{FINGER, LEAD, PAD, PLUCK, REESE, SAW_BASS, STAB, SUB_BASS, Voice};

/// A kind of music.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// Four to the floor, claps, off-beat open hats; 118 to 128 bpm.
    House,
    /// Four to the floor, sparse harmony, rolling bass; 128 to 140 bpm.
    Techno,
    /// Swung sixteenths, kick and snare, electric piano; 82 to 98 bpm.
    HipHop,
    /// Broken beats at 168 to 176 bpm.
    DrumAndBass,
    /// Straight eighths with guitars; 96 to 140 bpm.
    Rock,
    /// Syncopated sixteenths with ghost notes; 96 to 114 bpm.
    Funk,
    /// Three beats a bar, piano; 96 to 160 bpm.
    Waltz,
}

impl Style {
    /// All styles.
    pub const ALL: [Style; 7] = [
        Style::House,
        Style::Techno,
        Style::HipHop,
        Style::DrumAndBass,
        Style::Rock,
        Style::Funk,
        Style::Waltz,
    ];

    /// Lower-case name, fit for a file name.
    pub fn name(self) -> &'static str {
        match self {
            Style::House => "house",
            Style::Techno => "techno",
            Style::HipHop => "hiphop",
            Style::DrumAndBass => "dnb",
            Style::Rock => "rock",
            Style::Funk => "funk",
            Style::Waltz => "waltz",
        }
    }

    /// Beats a bar.
    pub fn beats_per_bar(self) -> u32 {
        if self == Style::Waltz { 3 } else { 4 }
    }

    /// The range of usual tempi in bpm.
    pub fn tempi(self) -> (f64, f64) {
        match self {
            Style::House => (118.0, 128.0),
            Style::Techno => (128.0, 140.0),
            Style::HipHop => (82.0, 98.0),
            Style::DrumAndBass => (168.0, 176.0),
            Style::Rock => (96.0, 140.0),
            Style::Funk => (96.0, 114.0),
            Style::Waltz => (96.0, 160.0),
        }
    }

    /// Arranged as dance music (intro, build, drop) rather than as a band's song.
    pub(crate) fn is_club(self) -> bool {
        matches!(self, Style::House | Style::Techno | Style::DrumAndBass)
    }

    /// Usual swing, see `Song::swing`.
    pub(crate) fn swing(self) -> f64 {
        match self {
            Style::HipHop => 0.22,
            Style::Funk => 0.08,
            Style::House => 0.06,
            _ => 0.0,
        }
    }

    pub(crate) fn palette(self) -> Palette {
        let kit = |kick_hz, kick_sweep_hz, kick_sweep, kick_decay, snare_hz, snare_decay, snare_noise| Kit {
            kick_hz,
            kick_sweep_hz,
            kick_sweep,
            kick_decay,
            kick_drive: 1.6,
            snare_hz,
            snare_decay,
            snare_noise,
            hat_hz: 8200.0,
            closed_decay: 0.022,
            open_decay: 0.11,
        };
        match self {
            Style::House => Palette {
                kit: kit(50.0, 190.0, 0.022, 0.12, 190.0, 0.05, 0.08),
                bass: SAW_BASS,
                chords: STAB,
                pad: PAD,
                arp: PLUCK,
                lead: LEAD,
                duck: 0.4,
                reverb: 1.6,
            },
            Style::Techno => Palette {
                kit: kit(46.0, 230.0, 0.018, 0.14, 200.0, 0.04, 0.06),
                bass: SAW_BASS,
                chords: STAB,
                pad: PAD,
                arp: PLUCK,
                lead: PLUCK,
                duck: 0.4,
                reverb: 2.2,
            },
            Style::HipHop => Palette {
                kit: kit(54.0, 120.0, 0.028, 0.15, 175.0, 0.07, 0.09),
                bass: SUB_BASS,
                chords: Voice::Keys,
                pad: PAD,
                arp: Voice::Keys,
                lead: LEAD,
                duck: 0.15,
                reverb: 0.9,
            },
            Style::DrumAndBass => Palette {
                kit: kit(58.0, 200.0, 0.016, 0.10, 210.0, 0.06, 0.07),
                bass: REESE,
                chords: STAB,
                pad: PAD,
                arp: PLUCK,
                lead: LEAD,
                duck: 0.3,
                reverb: 1.4,
            },
            Style::Rock => Palette {
                kit: kit(62.0, 90.0, 0.020, 0.11, 180.0, 0.08, 0.10),
                bass: FINGER,
                chords: Voice::Guitar,
                pad: Voice::Keys,
                arp: Voice::Piano,
                lead: LEAD,
                duck: 0.0,
                reverb: 1.0,
            },
            Style::Funk => Palette {
                kit: kit(60.0, 100.0, 0.018, 0.10, 215.0, 0.06, 0.075),
                bass: FINGER,
                chords: Voice::Keys,
                pad: PAD,
                arp: PLUCK,
                lead: LEAD,
                duck: 0.0,
                reverb: 0.7,
            },
            Style::Waltz => Palette {
                kit: kit(58.0, 70.0, 0.020, 0.12, 200.0, 0.04, 0.09),
                bass: FINGER,
                chords: Voice::Piano,
                pad: PAD,
                arp: Voice::Piano,
                lead: LEAD,
                duck: 0.0,
                reverb: 1.8,
            },
        }
    }

    /// Grooves of one bar to choose from.
    pub(crate) fn grooves(self) -> &'static [Groove] {
        use Piece::{Clap, Closed, Kick, Open, Ride, Rim, Shaker, Snare, TomLow};
        match self {
            Style::House => &[
                &[
                    (Kick, "X...X...X...X..."),
                    (Clap, "....X.......X..."),
                    (Closed, "x.o.x.o.x.o.x.o."),
                    (Open, "..X...X...X...X."),
                    (Rim, "...x......x..x.."),
                ],
                &[
                    (Kick, "X...X...X...X..."),
                    (Clap, "....X.......X..."),
                    (Open, "..x...x...x...x."),
                    (Shaker, "xoxoxoxoxoxoxoxo"),
                    (Closed, "...o.o.....o.o.."),
                ],
            ],
            Style::Techno => &[
                &[
                    (Kick, "X...X...X...X..."),
                    (Open, "..x...x...x...x."),
                    (Closed, "oxoooxoooxoooxoo"),
                    (Clap, "....x.......x..."),
                    (TomLow, "...o..o....o..o."),
                ],
                &[
                    (Kick, "X...X...X...X..."),
                    (Open, "..X...X...X...X."),
                    (Ride, "x.o.x.o.x.o.x.o."),
                    (Rim, "..x..x....x..x.."),
                ],
            ],
            Style::HipHop => &[
                &[
                    (Kick, "X......xX.x....."),
                    (Snare, "....X.......X..o"),
                    (Closed, "x.x.x.xox.x.x.x."),
                ],
                &[
                    (Kick, "X..x......X....."),
                    (Snare, "....X..o....X..."),
                    (Clap, "....x.......x..."),
                    (Closed, "x.x.xox.x.xox.x."),
                    (Open, "..............x."),
                ],
            ],
            Style::DrumAndBass => &[
                &[
                    (Kick, "X.........X....."),
                    (Snare, "....X..o.o..X..o"),
                    (Closed, "x.x.x.x.x.x.x.x."),
                    (Ride, "..o...o...o...o."),
                ],
                &[
                    (Kick, "X.X.......XX...."),
                    (Snare, "....X..x.x..X..x"),
                    (Ride, "x.x.x.x.x.x.x.x."),
                ],
            ],
            Style::Rock => &[
                &[
                    (Kick, "X.......X.x....."),
                    (Snare, "....X.......X..."),
                    (Closed, "X.x.X.x.X.x.X.x."),
                ],
                &[
                    (Kick, "X..x....X..x..x."),
                    (Snare, "....X.......X..."),
                    (Ride, "X.x.X.x.X.x.X.x."),
                ],
                &[
                    (Kick, "X.x.......X....."),
                    (Snare, "....X.......X..."),
                    (Open, "x...x...x...x..."),
                    (Closed, "..x...x...x...x."),
                ],
            ],
            Style::Funk => &[
                &[
                    (Kick, "X..x..X...x..x.."),
                    (Snare, "....X..o.o..X..o"),
                    (Closed, "xoxoxoxoxoxoxo.o"),
                    (Open, "..............x."),
                ],
                &[
                    (Kick, "X.x.......X..x.."),
                    (Snare, "....X..o.o.oX..."),
                    (Closed, "x.xox.xox.xox.xo"),
                    (Open, ".......x........"),
                ],
            ],
            Style::Waltz => &[
                &[
                    (Kick, "X..........."),
                    (Snare, "....x...x..."),
                    (Closed, "..o.x.o.x.o."),
                ],
                &[(Kick, "X.......o..."), (Rim, "....x...x..."), (Ride, "x...x.o.x...")],
            ],
        }
    }

    /// Bass lines of one bar.
    pub(crate) fn basses(self) -> &'static [&'static str] {
        match self {
            Style::House => &["..r-..r-..r-..o-", "r..r..r...o-..r.", "..rr..r...rr..o."],
            Style::Techno => &[".rrr.rrr.rrr.rrr", "..r-..r-..r-..r-", ".rr..rr..rr..ro."],
            Style::HipHop => &["r-----..r--.....", "r---..r---..f-..", "r------...r-o-.."],
            Style::DrumAndBass => &["r---------r---..", "r-----..r-o-....", "r---..r---..o-f-"],
            Style::Rock => &["r-r-r-r-r-r-r-r-", "r---r-r-r---r-f-", "r-r-r-f-r-r-o-f-"],
            Style::Funk => &["r.r..o.r..rf.o..", "r--r..o-..r.f-o.", "r..rr.o...r-.fo."],
            Style::Waltz => &["r---....f---", "r-------....", "r---f---o---"],
        }
    }

    /// Rhythms of the chords.
    pub(crate) fn comps(self) -> &'static [&'static str] {
        match self {
            Style::House => &["..X..X....X..X..", "X--X--X---X--X--", "...X--..X-...X--"],
            Style::Techno => &["...X......X.....", "..X..X..X..X..X.", "X--.....x--....."],
            Style::HipHop => &["X-------..x-----", "X---..x-----x---", "..X-----X-------"],
            Style::DrumAndBass => &["X-------....x---", "X--X--X---------", "....X-------x---"],
            Style::Rock => &["X-x-x-x-X-x-x-x-", "X---X-x-X---X-x-", "X-------X-x-X---"],
            Style::Funk => &["..x..x....X-.x..", "...X-...x..X-...", "x..x..X-...x..x."],
            Style::Waltz => &["....X---x---", "....x-..x-..", "X-------x---"],
        }
    }
}

/// Drum patterns of one bar, by piece.
pub(crate) type Groove = &'static [(Piece, &'static str)];

/// The sounds of a style.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub(crate) kit: Kit,
    pub(crate) bass: Voice,
    pub(crate) chords: Voice,
    pub(crate) pad: Voice,
    pub(crate) arp: Voice,
    pub(crate) lead: Voice,
    /// How far the kick pushes the music down, 0 to 1.
    pub(crate) duck: f32,
    /// Reverberation time (to −60 dB) in seconds.
    pub(crate) reverb: f32,
}
