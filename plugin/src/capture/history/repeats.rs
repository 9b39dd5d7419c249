//! Takes that repeat one another: a cycle of the host's must not fill the history with copies.

use super::super::echo::{self, Echo};
use super::super::take::Take;
use super::History;

/// An open take is compared with earlier ones every so many seconds.
const COMPARE: f64 = 1.0;

impl History {
    /// False where an earlier take holds the same. Otherwise makes room: what the new one holds as well goes, and so does
    /// the older of two other versions.
    pub(super) fn keeps(&mut self, new: &Take) -> bool {
        let Some(range) = echo::range(new) else { return true };
        let mut versions = Vec::new();
        let mut contained = Vec::new();
        for old in &self.takes {
            let Some(other) = echo::range(old) else { continue };
            if echo::covers(other, range) && echo::same(new, old, new.first(), new.end()) {
                return false;
            }
            if echo::covers(range, other) && echo::same(old, new, old.first(), old.end()) {
                contained.push(old.id());
                continue;
            }
            let shared = range.1.min(other.1) - range.0.max(other.0);
            let all = range.1.max(other.1) - range.0.min(other.0);
            if shared > 0.8 * all {
                versions.push(old.id());
            }
        }
        let over = versions.len().saturating_sub(1);
        let gone = &versions[..over];
        self.takes
            .retain(|t| !contained.contains(&t.id()) && !gone.contains(&t.id()));
        true
    }

    /// Sees, about once a second, whether the running take repeats an earlier one.
    pub(super) fn compare(&mut self) {
        let step = (COMPARE * self.rate) as u64;
        let Some((take, old)) = self.takes.split_last_mut() else {
            return;
        };
        let end = take.end();
        match take.echo {
            Echo::Unknown if end - take.first() >= step => {
                let range = echo::range(take);
                let holds = |o: &&Take| {
                    let covered = echo::range(o)
                        .zip(range)
                        .is_some_and(|(whole, part)| echo::covers(whole, part));
                    covered && echo::same(take, o, take.first(), end)
                };
                take.echo = old
                    .iter()
                    .find(holds)
                    .map_or(Echo::New, |o| Echo::Of { take: o.id(), to: end });
            }
            Echo::Of { take: of, to } if end >= to + step => {
                let range = echo::range(take);
                let same = old.iter().find(|o| o.id() == of).is_some_and(|o| {
                    echo::range(o)
                        .zip(range)
                        .is_some_and(|(whole, part)| echo::covers(whole, part))
                        && echo::same(take, o, to, end)
                });
                take.echo = if same {
                    Echo::Of { take: of, to: end }
                } else {
                    Echo::New
                };
            }
            _ => {}
        }
    }
}
