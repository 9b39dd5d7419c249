//! The plan of a song: its sections.

use super::rng::Rng;
use super::style::Style;

/// A section of a song, before it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionPlan {
    /// Name, for people.
    pub name: String,
    /// Length in bars.
    pub bars: u32,
    /// Stems that play, see [the module](super).
    pub stems: String,
    /// Which of the song's two sets of material it plays, 1 or 2.
    pub pattern: u8,
    /// The last bar ends in a drum fill.
    pub fill: bool,
    /// The first beat carries a crash.
    pub crash: bool,
    /// A riser climbs through the second half.
    pub riser: bool,
    /// Level against the song's other sections.
    pub level_db: f32,
    /// Beats a bar where it is not the style's own.
    pub beats_per_bar: Option<u32>,
}

impl SectionPlan {
    /// A section without fill, crash or riser, on the first set of material, at the song's level.
    pub fn new(name: &str, bars: u32, stems: &str) -> Self {
        Self {
            name: name.to_owned(),
            bars,
            stems: stems.to_owned(),
            pattern: 1,
            fill: false,
            crash: false,
            riser: false,
            level_db: 0.0,
            beats_per_bar: None,
        }
    }

    /// Ends in a fill.
    pub fn fill(mut self) -> Self {
        self.fill = true;
        self
    }

    /// Begins with a crash.
    pub fn crash(mut self) -> Self {
        self.crash = true;
        self
    }

    /// Has a riser in its second half.
    pub fn riser(mut self) -> Self {
        self.riser = true;
        self
    }

    /// Plays the second set of material.
    pub fn second(mut self) -> Self {
        self.pattern = 2;
        self
    }

    /// Plays at `db` against the song's other sections.
    pub fn level(mut self, db: f32) -> Self {
        self.level_db = db;
        self
    }

    /// True if `stem` plays.
    pub fn has(&self, stem: char) -> bool {
        self.stems.contains(stem)
    }

    /// Name of what is played: the stems in alphabetical order, and the set of material.
    pub fn content_id(&self) -> String {
        let mut stems: Vec<char> = self.stems.chars().collect();
        stems.sort_unstable();
        format!("{}/p{}", stems.into_iter().collect::<String>(), self.pattern)
    }
}

/// A plan for a whole song, or, if `short`, for one of 14 bars with a fill, a break and a drumless part.
pub(crate) fn plan(style: Style, short: bool, odd_bar: bool, rng: &mut Rng) -> Vec<SectionPlan> {
    let s = SectionPlan::new;
    if short {
        return vec![
            s("A", 8, "DBC").fill(),
            s("break", 2, "D").crash(),
            s("breakdown", 4, "PA"),
        ];
    }
    let mut plan = if style.is_club() {
        match rng.below(3) {
            0 => vec![
                s("intro", 8, "PA"),
                s("build", 8, "PAH").riser(),
                s("A", 16, "DBC").fill(),
                s("break", 4, "D").fill(),
                s("B", 16, "DBCL"),
                s("breakdown", 8, "PV"),
                s("drop", 16, "DBCA").second().crash().fill(),
                s("outro", 4, "D").crash(),
            ],
            1 => vec![
                s("break", 4, "D").fill(),
                s("A", 8, "DB").crash().fill(),
                s("A2", 16, "DBC").fill(),
                s("breakdown", 8, "CP").level(-2.0),
                s("break", 8, "D").second().crash(),
                s("B", 16, "DBCV").second().fill(),
                s("A2", 8, "DBC"),
                s("outro", 8, "P").level(-7.0),
            ],
            _ => vec![
                s("intro", 4, "H"),
                s("A", 16, "DBC").crash().fill(),
                s("B", 8, "DBCL").crash().fill(),
                s("breakdown", 8, "PB").riser(),
                s("drop", 16, "DBCAL").second().crash(),
                s("break", 4, "D").fill(),
                s("A", 16, "DBC").crash().fill(),
                s("outro", 8, "PA").level(-3.0),
            ],
        }
    } else {
        match rng.below(3) {
            0 => vec![
                s("intro", 8, "DB").fill(),
                s("A", 12, "DBC").crash(),
                s("break", 4, "D").crash().fill(),
                s("A", 12, "DBC").crash().fill(),
                s("V", 16, "DBCV").fill(),
                s("quiet", 8, "P").level(-8.0),
                s("drop", 16, "DBCA").second().crash(),
            ],
            1 => vec![
                s("intro", 4, "C"),
                s("A", 16, "DBC").crash().fill(),
                s("B", 8, "DBCL").second().crash().fill(),
                s("A", 16, "DBC").fill(),
                s("break", 2, "D").crash(),
                s("B", 8, "DBCL").second().fill(),
                s("breakdown", 8, "PB").riser().level(-2.0),
                s("drop", 8, "DBCAL").second().crash().fill(),
                s("outro", 4, "CP").level(-6.0),
            ],
            _ => vec![
                s("break", 4, "D").fill(),
                s("A", 8, "DBC").crash(),
                s("B", 12, "DBAC").crash().fill(),
                s("breakdown", 4, "CA").level(-7.0),
                s("break", 8, "D").second().fill(),
                s("C", 8, "DBCV").second().crash().fill(),
                s("B", 12, "DBAC").crash(),
                s("outro", 8, "PC"),
            ],
        }
    };
    if odd_bar {
        let mut turn = s("turn", 1, "D");
        turn.beats_per_bar = Some(2);
        let at = plan.len() / 2 + rng.below(2);
        plan.insert(at, turn);
    }
    plan
}
