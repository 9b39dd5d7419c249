//! One record that must hold, and others beside it that may fail.

use super::{Ending, RecordError, Recorder};

/// Hands a run to a first recorder, whose errors end it, and to others, whose errors do not: training for hours is not lost
/// because a server went away. What went wrong with one of those is told at once and noted in the first; then it is left
/// alone, except after a single file that it could not take.
pub struct Several<'a> {
    first: Box<dyn Recorder + 'a>,
    others: Vec<Box<dyn Recorder + 'a>>,
    tell: Box<dyn FnMut(&str) + 'a>,
}

impl<'a> Several<'a> {
    /// `tell` hears in words what went wrong with one of `others`.
    pub fn new(
        first: Box<dyn Recorder + 'a>,
        others: Vec<Box<dyn Recorder + 'a>>,
        tell: impl FnMut(&str) + 'a,
    ) -> Self {
        Self {
            first,
            others,
            tell: Box::new(tell),
        }
    }

    /// Calls the others; those that fail are dropped unless `stay`.
    fn others(
        &mut self,
        stay: bool,
        mut call: impl FnMut(&mut dyn Recorder) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        let mut noted = Ok(());
        let (first, tell) = (&mut self.first, &mut self.tell);
        self.others.retain_mut(|other| {
            let Err(e) = call(other.as_mut()) else { return true };
            let rest = if stay { "" } else { "; nothing more is recorded there" };
            let words = format!("{e}{rest}");
            tell(&words);
            if let Err(e) = first.note(&words) {
                noted = Err(e);
            }
            stay
        });
        noted
    }
}

impl std::fmt::Debug for Several<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Several").field("others", &self.others.len()).finish()
    }
}

impl Recorder for Several<'_> {
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError> {
        self.first.param(name, value)?;
        self.others(false, |r| r.param(name, value))
    }

    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
        self.first.metric(name, step, value)?;
        self.others(false, |r| r.metric(name, step, value))
    }

    fn artifact(&mut self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        self.first.artifact(name, content)?;
        self.others(true, |r| r.artifact(name, content))
    }

    fn finish(&mut self, ending: Ending) -> Result<(), RecordError> {
        // The others first, so that what goes wrong with them is noted before the end.
        let noted = self.others(false, |r| r.finish(ending));
        self.first.finish(ending).and(noted)
    }

    fn note(&mut self, text: &str) -> Result<(), RecordError> {
        self.first.note(text)?;
        self.others(false, |r| r.note(text))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Writes down what it is told, and refuses from some call on, or files alone.
    struct Book<'a> {
        name: &'static str,
        log: &'a RefCell<Vec<String>>,
        calls: usize,
        refuses_after: usize,
        refuses_files: bool,
    }

    impl Book<'_> {
        fn take(&mut self, what: String) -> Result<(), RecordError> {
            if self.calls >= self.refuses_after || (self.refuses_files && what.starts_with("file")) {
                return Err(RecordError {
                    place: self.name.into(),
                    problem: "gone".into(),
                });
            }
            self.calls += 1;
            self.log.borrow_mut().push(format!("{} {what}", self.name));
            Ok(())
        }
    }

    impl Recorder for Book<'_> {
        fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError> {
            self.take(format!("{name}={value}"))
        }
        fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
            self.take(format!("{name}@{step}={value}"))
        }
        fn artifact(&mut self, name: &str, _: &[u8]) -> Result<(), RecordError> {
            self.take(format!("file {name}"))
        }
        fn finish(&mut self, ending: Ending) -> Result<(), RecordError> {
            self.take(ending.name().into())
        }
        fn note(&mut self, text: &str) -> Result<(), RecordError> {
            self.take(format!("note {text}"))
        }
    }

    fn book<'a>(name: &'static str, log: &'a RefCell<Vec<String>>, refuses_after: usize) -> Box<Book<'a>> {
        Box::new(Book {
            name,
            log,
            calls: 0,
            refuses_after,
            refuses_files: false,
        })
    }

    #[test]
    fn one_that_fails_is_told_noted_and_left_alone() {
        let (log, told) = (RefCell::default(), RefCell::new(0));
        let first = book("A", &log, usize::MAX);
        let others: Vec<Box<dyn Recorder>> = vec![book("B", &log, 1), book("C", &log, usize::MAX)];
        let mut several = Several::new(first, others, |_| *told.borrow_mut() += 1);
        several.param("p", "1").unwrap();
        several.metric("m", 1, 0.5).unwrap();
        several.metric("m", 2, 0.5).unwrap();
        several.finish(Ending::Finished).unwrap();
        drop(several);
        assert_eq!(
            log.take(),
            [
                "A p=1",
                "B p=1",
                "C p=1",
                "A m@1=0.5",
                "A note cannot record the run at B: gone; nothing more is recorded there",
                "C m@1=0.5",
                "A m@2=0.5",
                "C m@2=0.5",
                "C finished",
                "A finished"
            ]
        );
        assert_eq!(told.take(), 1);
    }

    #[test]
    fn a_file_that_is_refused_ends_no_record() {
        let log = RefCell::default();
        let mut other = book("B", &log, usize::MAX);
        other.refuses_files = true;
        let mut several = Several::new(book("A", &log, usize::MAX), vec![other], |_| {});
        several.artifact("x", b"").unwrap();
        several.finish(Ending::Finished).unwrap();
        drop(several);
        assert_eq!(
            log.take(),
            [
                "A file x",
                "A note cannot record the run at B: gone",
                "B finished",
                "A finished"
            ]
        );
    }

    #[test]
    fn the_first_must_hold() {
        let log = RefCell::default();
        let mut several = Several::new(book("A", &log, 1), vec![book("B", &log, 9)], |_| {});
        several.param("p", "1").unwrap();
        assert!(several.metric("m", 1, 0.0).is_err());
        assert!(several.finish(Ending::Failed).is_err());
        drop(several);
        assert_eq!(
            log.take(),
            ["A p=1", "B p=1", "B failed"],
            "the others still hear of the end"
        );
    }
}
