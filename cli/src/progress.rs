//! How far the work is, on standard error: bars on a terminal, plain lines elsewhere. And how Ctrl-C stops it.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use loopwright_core::pipeline::run::Observer;
use loopwright_core::progress::Stage;

use crate::args::General;
use crate::exit::Exit;
use crate::output::plain;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// True once the user or the system has asked us to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on Ctrl-C (and a request to end) lets the work stop at a clean place. A second one ends at once.
pub fn catch_interrupts() -> Result<(), ctrlc::Error> {
    let result = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted as i32);
        }
        eprintln!("\nloopwright: stopping; once more to stop at once");
    });
    match result {
        // A second run in one process, as in tests, finds the handler in place.
        Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        other => other,
    }
}

/// May be called from any thread.
impl Observer for Display {
    fn report(&self, index: usize, stage: Stage, fraction: f32) {
        let (Manner::Bars, Some(done), Some(line)) = (self.manner, self.done.get(index), self.lines.get(index)) else {
            return;
        };
        let (start, width) = share(stage);
        let units = ((start + width * fraction.clamp(0.0, 1.0)) * UNITS) as u32;
        let before = done.fetch_max(units, Ordering::Relaxed);
        self.total.inc(u64::from(units.saturating_sub(before)));
        if let Ok(mut line) = line.lock() {
            let line = line.get_or_insert_with(|| {
                let bar = self.multi.add(ProgressBar::new_spinner());
                let style = ProgressStyle::with_template("  {spinner} {wide_msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar
            });
            line.set_message(format!("{}: {}", self.names[index], verb(stage)));
            line.tick();
        }
    }

    fn is_cancelled(&self) -> bool {
        interrupted()
    }
}

/// Where in a track's work a stage begins and how much of the work it is, roughly.
fn share(stage: Stage) -> (f32, f32) {
    match stage {
        Stage::Decode => (0.0, 0.15),
        Stage::Analyse => (0.15, 0.45),
        Stage::Track => (0.60, 0.15),
        Stage::Rank => (0.75, 0.15),
        Stage::Export => (0.90, 0.10),
        // Not on one track.
        Stage::Learn => (0.0, 1.0),
    }
}

fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Decode => "reading",
        Stage::Analyse => "listening",
        Stage::Track => "finding the beat",
        Stage::Rank => "ranking",
        Stage::Export => "writing",
        Stage::Learn => "learning",
    }
}

/// Units of the bar that one track is worth.
const UNITS: f32 = 1000.0;

/// How verbose standard error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Bars,
    Lines,
    Silent,
}

/// Shows the progress of work on many tracks.
pub struct Display {
    manner: Manner,
    multi: MultiProgress,
    total: ProgressBar,
    names: Vec<String>,
    done: Vec<AtomicU32>,
    lines: Vec<Mutex<Option<ProgressBar>>>,
}

impl Display {
    /// A display for the tracks of these names.
    pub fn new(names: Vec<String>, general: &General) -> Self {
        let manner = if general.quiet {
            Manner::Silent
        } else if general.no_progress || !std::io::stderr().is_terminal() {
            Manner::Lines
        } else {
            Manner::Bars
        };
        let target = if manner == Manner::Bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let multi = MultiProgress::with_draw_target(target);
        let total = multi.add(ProgressBar::new(names.len() as u64 * UNITS as u64));
        let style = ProgressStyle::with_template("{wide_bar} {msg}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        total.set_style(style);
        let display = Self {
            manner,
            multi,
            total,
            done: names.iter().map(|_| AtomicU32::new(0)).collect(),
            lines: names.iter().map(|_| Mutex::new(None)).collect(),
            names,
        };
        display.count(0);
        display
    }

    fn count(&self, done: usize) {
        self.total
            .set_message(format!("{done} of {}", crate::output::count(self.names.len(), "track")));
    }

    /// Track `index` is finished; `outcome` says how, in a few words.
    pub fn finished(&self, index: usize, outcome: &str) {
        if let Some(done) = self.done.get(index) {
            let before = done.swap(UNITS as u32, Ordering::Relaxed);
            self.total.inc((UNITS as u64).saturating_sub(u64::from(before)));
        }
        if let Some(line) = self.lines.get(index)
            && let Ok(mut line) = line.lock()
            && let Some(bar) = line.take()
        {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
        self.count(index + 1);
        if self.manner == Manner::Lines {
            let name = self.names.get(index).map_or("", String::as_str);
            eprintln!("[{}/{}] {name}: {}", index + 1, self.names.len(), plain(outcome));
        }
    }

    /// A line of text beside the bars.
    pub fn say(&self, text: &str) {
        match self.manner {
            Manner::Bars => self.multi.suspend(|| eprintln!("{text}")),
            Manner::Lines => eprintln!("{text}"),
            Manner::Silent => {}
        }
    }

    /// Takes the bars away.
    pub fn close(&self) {
        self.total.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_fill_a_track_without_gaps() {
        let mut at = 0.0;
        for stage in [Stage::Decode, Stage::Analyse, Stage::Track, Stage::Rank, Stage::Export] {
            let (start, width) = share(stage);
            assert!((start - at).abs() < 1e-6);
            at = start + width;
        }
        assert!((at - 1.0).abs() < 1e-6);
    }
}
