//! Messages: a quiet line that fades; errors stay until they are dismissed.

use crate::snapshot::{Message, Severity};

/// Seconds until a message of no weight is gone.
const STAYS: f64 = 7.0;
/// Most that are held.
const MOST: usize = 16;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    /// How grave.
    pub(crate) severity: Severity,
    /// The words.
    pub(crate) text: String,
    /// When it came, in seconds.
    pub(crate) at: f64,
    /// There is something to take back.
    pub(crate) undo: bool,
}

/// Those that are shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    list: Vec<Note>,
    seen: u64,
}

impl Notes {
    /// Says something.
    pub(crate) fn say(&mut self, severity: Severity, text: impl Into<String>, now: f64) {
        self.push(Note {
            severity,
            text: text.into(),
            at: now,
            undo: false,
        });
    }
    /// Says something that can be taken back.
    pub(crate) fn offer_undo(&mut self, text: impl Into<String>, now: f64) {
        self.push(Note {
            severity: Severity::Info,
            text: text.into(),
            at: now,
            undo: true,
        });
    }
    /// The worker's messages, each once; and away with the old ones.
    pub(crate) fn update(&mut self, messages: &[Message], now: f64) {
        for message in messages.iter().filter(|message| message.number > self.seen) {
            let note = Note {
                severity: message.severity,
                text: message.text.clone(),
                at: now,
                undo: false,
            };
            // push() is not called: it would borrow all of self.
            self.list.push(note);
        }
        self.seen = messages.iter().map(|message| message.number).fold(self.seen, u64::max);
        // Also where the clock went back: a new window counts from 0.
        self.list
            .retain(|note| note.severity == Severity::Error || (now >= note.at && now - note.at < STAYS));
        self.trim();
    }
    /// What is shown: the latest of the gravest.
    pub(crate) fn current(&self) -> Option<&Note> {
        let grave = |note: &&Note| match note.severity {
            Severity::Error => 2,
            Severity::Warning => 1,
            Severity::Info => 0,
        };
        // Something to take back comes first: it is the answer to what was just done.
        self.list.iter().rev().find(|note| note.undo).or_else(|| {
            let gravest = self.list.iter().map(|note| grave(&note)).max()?;
            self.list.iter().rev().find(|note| grave(note) == gravest)
        })
    }
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
    /// Takes the one that is shown away.
    pub(crate) fn dismiss(&mut self) {
        if let Some(current) = self.current().cloned()
            && let Some(at) = self.list.iter().rposition(|note| *note == current)
        {
            self.list.remove(at);
        }
    }
    /// Takes offers of undoing away.
    pub(crate) fn settle_undo(&mut self) {
        self.list.retain(|note| !note.undo);
    }
    /// Opacity of a note, 0 to 1.
    pub(crate) fn opacity(note: &Note, now: f64) -> f32 {
        if note.severity == Severity::Error {
            return 1.0;
        }
        (STAYS - (now - note.at)).clamp(0.0, 1.0) as f32
    }

    fn push(&mut self, note: Note) {
        self.list.push(note);
        self.trim();
    }
    fn trim(&mut self) {
        let over = self.list.len().saturating_sub(MOST);
        self.list.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64, severity: Severity) -> Message {
        Message {
            number,
            severity,
            text: format!("message {number}"),
        }
    }

    #[test]
    fn each_is_shown_once_and_fades_unless_it_is_an_error() {
        let mut notes = Notes::default();
        let sent = [message(1, Severity::Error), message(2, Severity::Info)];
        notes.update(&sent, 0.0);
        notes.update(&sent, 1.0);
        assert_eq!(notes.len(), 2);
        assert_eq!(notes.current().map(|note| note.text.as_str()), Some("message 1"));
        notes.update(&sent, 60.0);
        assert_eq!(notes.len(), 1, "the error stays");
        notes.dismiss();
        assert_eq!(notes.len(), 0);
        notes.update(&sent, 61.0);
        assert_eq!(notes.len(), 0, "and does not come back");
    }

    #[test]
    fn undoing_is_offered_first_and_there_are_never_too_many() {
        let mut notes = Notes::default();
        for number in 0..100 {
            notes.say(Severity::Error, format!("{number}"), 0.0);
        }
        assert_eq!(notes.len(), MOST);
        notes.offer_undo("rejected", 1.0);
        assert!(notes.current().is_some_and(|note| note.undo));
        notes.settle_undo();
        assert!(notes.current().is_some_and(|note| !note.undo));
    }
}
