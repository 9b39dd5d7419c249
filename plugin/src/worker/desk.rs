//! All that the worker changes, in one place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use loopwright_core::rhythm::grid::BeatGrid;

use super::crop::{Entry, Names};
use super::{Control, Stream};
use crate::capture::history::{History, Limits, Take};
use crate::capture::mark::HostTime;
use crate::command::Command;
use crate::library::Library;
use crate::preview::Cue;
use crate::shared::Shared;
use crate::snapshot::{Correction, FileState, Item, ItemId, Kept, Message, Severity, TakeId};
use crate::state::{Favourite, Settings};

/// Between two pictures at least this, so that there are about 20 a second.
const FRAME: Duration = Duration::from_millis(50);
/// While long work is done the desk breathes this often at most: polls come far oftener.
const BREATH: Duration = Duration::from_millis(8);
/// How long to wait for something to happen: while blocks come in, while none do, and while the plugin is not active.
const WAIT: (Duration, Duration, Duration) = (
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(250),
);
/// A host that has sent no block for this long has put the plugin to sleep, or bypassed it.
const ASLEEP: Duration = Duration::from_secs(1);
/// Files are written for this long at most (or one file), before the ring is drained again and a picture shown.
const WRITING: Duration = Duration::from_millis(20);
/// Messages that are shown.
const MESSAGES: usize = 8;

/// What is known of a take beside its sound.
#[derive(Default)]
pub(super) struct Known {
    pub(super) correction: Correction,
    /// Grows whenever what is being analysed is no longer what is wanted.
    pub(super) generation: u64,
    /// What was found, each kind in its order.
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) names: Names,
    /// Frame up to which it was analysed; `None` before the first time.
    pub(super) analysed: Option<u64>,
    /// Processor time of the last analysis in seconds.
    pub(super) cost: f64,
    pub(super) requested: bool,
    pub(super) note: Option<String>,
    /// The grid of the last analysis, and the frame of the take at which it counts 0.
    pub(super) grid: Option<(BeatGrid, u64)>,
    pub(super) lines: super::view::Lines,
}

/// What is known of an item's files.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) state: FileState,
    pub(super) kit: Vec<std::path::PathBuf>,
}

/// The desk.
pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    received: Receiver<Control>,
    pub(super) stream: Option<Stream>,
    /// Sample rate in Hz of the stream, or of the last one.
    pub(super) rate: u32,
    pub(super) history: History,
    pub(super) takes: BTreeMap<TakeId, Known>,
    pub(super) settings: Settings,
    pub(super) favourites: Vec<Favourite>,
    /// How often the host had brought a state back when ours was read.
    loads: u64,
    pub(super) library: Library,
    pub(super) files: BTreeMap<ItemId, Files>,
    pub(super) rejected: BTreeSet<ItemId>,
    /// Favourites whose files were searched for in this folder, with this state.
    pub(super) sought: BTreeSet<u64>,
    pub(super) track_name: String,
    /// Tells this instance's takes from those of others and of other days, in what is noted of them.
    pub(super) session: u32,
    messages: VecDeque<Message>,
    said: u64,
    /// What must wait until there is time.
    later: VecDeque<Command>,
    /// Items whose files are to be written, a few a pulse.
    pub(super) to_write: VecDeque<ItemId>,
    /// For the audio thread, once there is room in the ring: the newest only.
    pub(super) cue: Option<Cue>,
    pub(super) host: Option<HostTime>,
    pub(super) heard: Option<Instant>,
    /// What is analysed, and how far it is.
    pub(super) running: Option<(TakeId, f32)>,
    pub(super) last_cost: f64,
    number: u64,
    dirty: bool,
    /// The lists have changed, rather than the sound alone.
    pub(super) lists_dirty: bool,
    pub(super) items: Arc<[Item]>,
    pub(super) kept: Arc<[Kept]>,
    shown: Instant,
    breathed: Instant,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>, received: Receiver<Control>) -> Self {
        let loads = shared.state.loads();
        let (settings, favourites) = {
            let state = shared.state.lock();
            (state.settings.clone(), state.favourites.clone())
        };
        let (library, warning) = Library::open(&settings.folder, super::config());
        let now = Instant::now();
        let mut desk = Self {
            history: History::new(limits(&settings)),
            shared,
            received,
            stream: None,
            rate: 0,
            takes: BTreeMap::new(),
            settings,
            favourites,
            loads,
            library,
            files: BTreeMap::new(),
            rejected: BTreeSet::new(),
            session: session(),
            sought: BTreeSet::new(),
            track_name: String::new(),
            messages: VecDeque::new(),
            said: 0,
            later: VecDeque::new(),
            to_write: VecDeque::new(),
            cue: None,
            host: None,
            heard: None,
            running: None,
            last_cost: 0.0,
            number: 0,
            dirty: true,
            lists_dirty: true,
            items: Arc::from([]),
            kept: Arc::from([]),
            shown: now.checked_sub(FRAME).unwrap_or(now),
            breathed: now,
        };
        if let Some(warning) = warning {
            desk.say(Severity::Warning, &warning);
        }
        desk.look_for_favourites();
        desk
    }

    /// Carries out what was asked for before there was a worker. Where the host has brought a state back meanwhile, settings
    /// are left out: they are in the state already, if they are newer than it (the editor puts them there first).
    pub(super) fn catch_up(&mut self) {
        let settled = self.loads > 0;
        while let Ok(command) = self.shared.received.try_recv() {
            if !(settled && matches!(command, Command::Settings(_))) {
                self.command(command);
            }
        }
    }

    /// How long the thread may sleep.
    pub(super) fn patience(&self) -> Duration {
        if !self.later.is_empty() || !self.to_write.is_empty() {
            Duration::ZERO
        } else if self.dirty || (self.stream.is_some() && self.hears()) {
            WAIT.0
        } else if self.stream.is_some() {
            WAIT.1
        } else {
            WAIT.2
        }
    }

    /// Does all that is quick and due.
    pub(super) fn pulse(&mut self) {
        self.breathed = Instant::now();
        while let Ok(message) = self.received.try_recv() {
            self.control(message);
        }
        self.drain();
        self.load();
        let commands: Vec<Command> = self.shared.received.try_iter().collect();
        // Somebody who goes through the list with the arrow keys wants to hear where he is now: each clip costs something.
        let auditions = |c: &Command| matches!(c, Command::Audition(..) | Command::StopAudition);
        let newest = commands.iter().rposition(auditions);
        for (place, command) in commands.into_iter().enumerate() {
            if Some(place) >= newest || !auditions(&command) {
                self.command(command);
            }
        }
        if let Some(stream) = &mut self.stream {
            stream.booth.sweep();
        }
        self.hand_over();
        self.write_some();
        self.library.reap();
        self.tidy();
        let shown = self.shared.snapshot.load();
        if (shown.status.capturing, shown.status.transport) != (self.is_capturing(), self.transport()) {
            self.dirty = true;
        }
    }

    /// A pulse and a picture, if it is time.
    pub(super) fn breathe(&mut self) {
        if self.breathed.elapsed() >= BREATH {
            self.pulse();
            self.publish();
        }
    }

    pub(super) fn control(&mut self, message: Control) {
        self.drain();
        if let Some(stream) = self.stream.take() {
            self.history.lose_at_end(stream.feed.lost_at_end());
        }
        self.cue = None;
        self.heard = None;
        self.history.close();
        self.host = None;
        if let Control::Open(stream) = message {
            self.history.open(stream.rate);
            self.rate = stream.rate.round().clamp(0.0, 4e9) as u32;
            self.stream = Some(stream);
        }
        self.dirty = true;
    }

    /// The thread ends: what is in the ring is nobody's any more.
    pub(super) fn shut(&mut self) {
        self.stream = None;
    }

    /// Hands the cue that waits to the audio thread, if there is room for it.
    pub(super) fn hand_over(&mut self) {
        if let Some(stream) = self.stream.as_mut().filter(|s| s.booth.has_room())
            && let Some(cue) = self.cue.take()
        {
            stream.booth.send(cue);
        }
    }

    /// True while the host sends blocks that are to be heard.
    pub(super) fn hears(&self) -> bool {
        self.heard.is_some_and(|h| h.elapsed() < ASLEEP)
    }

    /// Writes files that are wanted, as long as that is quick.
    fn write_some(&mut self) {
        let begun = Instant::now();
        while let Some(id) = self.to_write.pop_front() {
            self.write(id);
            if begun.elapsed() >= WRITING {
                break;
            }
        }
    }

    fn drain(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let (history, host) = (&mut self.history, &mut self.host);
        let by_ear = self.settings.by_ear;
        let any = stream.feed.drain(|mark, left, right| {
            let mut mark = *mark;
            if by_ear {
                mark.host = HostTime {
                    playing: mark.host.playing,
                    ..HostTime::default()
                };
            }
            history.push(&mark, left, right);
            *host = Some(mark.host);
        });
        if any {
            self.heard = Some(self.breathed);
            self.dirty = true;
        }
    }

    /// The host has brought a state back: ours is read anew.
    fn load(&mut self) {
        let loads = self.shared.state.loads();
        if loads == self.loads {
            return;
        }
        self.loads = loads;
        let (settings, favourites) = {
            let state = self.shared.state.lock();
            (state.settings.clone(), state.favourites.clone())
        };
        self.favourites = favourites;
        self.sought.clear();
        self.set_settings(settings);
        self.look_for_favourites();
        self.lists_changed();
    }

    pub(super) fn set_settings(&mut self, settings: Settings) {
        let settings = settings.sane();
        if settings.folder != self.settings.folder {
            self.sought.clear();
            if let Some(warning) = self.library.move_to(&settings.folder) {
                self.say(Severity::Warning, &warning);
            }
        }
        self.history.set_limits(limits(&settings));
        self.settings = settings;
        self.dirty = true;
    }

    /// Forgets what is known of takes that are gone, and the items whose sound is.
    fn tidy(&mut self) {
        // In order of their names.
        let ids: Vec<(TakeId, u64)> = self.history.takes().iter().map(|t| (t.id(), t.first())).collect();
        let before = self.takes.len();
        self.takes.retain(|id, _| ids.binary_search_by_key(id, |t| t.0).is_ok());
        let mut changed = before != self.takes.len();
        for (id, first) in ids {
            let known = self.takes.entry(id).or_default();
            let entries = known.entries.len();
            known.entries.retain(|e| e.item.start >= first);
            changed |= entries != known.entries.len();
        }
        if changed {
            self.forget_items();
            self.lists_changed();
        }
    }

    /// Forgets files and rejections of items that are no favourites and can never be suggested again.
    fn forget_items(&mut self) {
        let mut there: BTreeSet<ItemId> = self.favourites.iter().map(|f| ItemId(f.id)).collect();
        for known in self.takes.values() {
            there.extend(known.names.ids());
            there.extend(known.entries.iter().map(|e| e.item.id));
        }
        self.files.retain(|id, _| there.contains(id));
        self.rejected.retain(|id| there.contains(id));
    }

    pub(super) fn take(&self, id: TakeId) -> Option<&Take> {
        self.history.takes().iter().find(|t| t.id() == id)
    }

    pub(super) fn entry(&self, id: ItemId) -> Option<&Arc<Entry>> {
        self.takes.values().flat_map(|k| &k.entries).find(|e| e.item.id == id)
    }

    /// Something in the lists is no longer as it was.
    pub(super) fn lists_changed(&mut self) {
        self.lists_dirty = true;
        self.dirty = true;
    }

    /// Something in the status or the takes is.
    pub(super) fn changed(&mut self) {
        self.dirty = true;
    }

    pub(super) fn say(&mut self, severity: Severity, text: &str) {
        self.said += 1;
        if self.messages.len() >= MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(Message {
            number: self.said,
            severity,
            text: text.to_owned(),
        });
        self.dirty = true;
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        self.messages.iter().cloned().collect()
    }

    pub(super) fn put_off(&mut self, command: Command) {
        self.later.push_back(command);
    }

    pub(super) fn next_later(&mut self) -> Option<Command> {
        self.later.pop_front()
    }

    pub(super) fn progress(&mut self, fraction: f32) {
        if let Some((_, at)) = &mut self.running
            && fraction > *at + 0.01
        {
            *at = fraction;
            self.dirty = true;
        }
    }

    /// True while an analysis of that generation is still what is wanted.
    pub(super) fn is_current(&self, take: TakeId, generation: u64) -> bool {
        self.takes.get(&take).is_some_and(|k| k.generation == generation)
    }

    /// The running analysis went wrong: its take is left alone until it has grown.
    pub(super) fn fail_running(&mut self) {
        if let Some((take, _)) = self.running.take()
            && let Some(known) = self.takes.get_mut(&take)
        {
            known.note = Some("The analysis failed.".into());
        }
        // Nor is anything being written any more.
        for files in self.files.values_mut() {
            if files.state == FileState::Writing {
                files.state = FileState::None;
            }
        }
        self.to_write.clear();
        self.lists_changed();
    }

    /// Hands favourites and settings to the host's state.
    pub(super) fn store(&mut self) {
        let mut state = self.shared.state.lock();
        // A state that the host has just brought is not ours to overwrite: it is read at the next pulse.
        if self.shared.state.loads() == self.loads {
            state.settings = self.settings.clone();
            state.favourites = self.favourites.clone();
        }
    }

    /// Publishes a picture where something changed and the last is old enough.
    pub(super) fn publish(&mut self) {
        if self.dirty && self.shown.elapsed() >= FRAME {
            self.publish_now();
        }
    }

    pub(super) fn publish_now(&mut self) {
        self.number += 1;
        let picture = self.picture(self.number);
        self.shared.snapshot.store(Arc::new(picture));
        self.shared.repaint.request_repaint();
        self.dirty = false;
        self.shown = Instant::now();
    }
}

/// A number that no other instance is likely to have: what the standard library seeds its tables with is drawn anew for each.
fn session() -> u32 {
    (std::hash::RandomState::new().build_hasher().finish() >> 32) as u32
}

pub(super) fn limits(settings: &Settings) -> Limits {
    Limits {
        seconds: f64::from(settings.history_seconds),
        bytes: u64::from(settings.history_mib) << 20,
        stopped: settings.capture_stopped,
    }
}
