//! Auditioning: clips that the audio thread plays.
//!
//! The worker sends [`Cue`]s on one ring; clips that are done with come back on another, because the audio thread must not
//! free them. Whatever begins, ends or is replaced is faded over 5 ms.
//!
//! There is one level, the host's parameter. Clips come at the loudness of what was captured and with their peak, so that
//! whatever the level, no clip is played above -1 dBFS.

mod voice;

use std::sync::Arc;

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::capture::mark::HostTime;
use crate::command::Audition;
use crate::shared::Shared;
use crate::snapshot::ItemId;
use voice::{Clock, Voice};

/// Cues in flight.
const CUES: usize = 16;
/// Spent clips in flight.
const SPENT: usize = 32;
/// Length of a fade in seconds.
const FADE: f64 = 0.005;
/// A new level is reached in so many seconds: fast enough to follow a hand, too slow to be heard as steps.
const GLIDE: f64 = 0.02;
/// Highest sample of a clip as it is played: -1 dBFS.
const CEILING: f32 = 0.891;
/// Highest gain that is asked for: a little above the parameter's +12 dB.
const HIGHEST: f32 = 4.0;
/// Below this a sample is nothing: no denormals are added.
const NOTHING: f32 = 1e-20;

/// Sound to be heard, at the host's rate. Made by the worker, played by the audio thread, freed by the worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// What it is.
    pub item: ItemId,
    /// Left and right, of equal length, as loud as what was captured; the peak may be above full scale.
    pub planes: [Vec<f32>; 2],
    /// Highest absolute sample of the planes.
    pub peak: f32,
    /// Length in quarter notes, where it has one: what `sync` goes by.
    pub quarters: Option<f64>,
    /// How it is heard. In sync are only clips that are looped; one that is heard once begins at its beginning.
    pub how: Audition,
}

impl Clip {
    /// Length in frames.
    pub fn frames(&self) -> usize {
        self.planes[0].len().min(self.planes[1].len())
    }
}

/// What the worker sends.
#[derive(Debug)]
pub enum Cue {
    /// Play this, in place of what plays.
    Play(Box<Clip>),
    /// Fade out.
    Stop,
}

/// The audio thread's end.
pub struct Player {
    rate: f64,
    shared: Arc<Shared>,
    cues: HeapCons<Cue>,
    spent: HeapProd<Box<Clip>>,
    /// What plays.
    voice: Option<Voice>,
    /// What fades out.
    leaving: Option<Voice>,
    /// Done with, and not taken back yet: the ring was full.
    stuck: Option<Box<Clip>>,
    /// Gain of the passing sound; it is left alone while this is 1.
    dry: f32,
    /// Gain of what is auditioned, where it goes, and its change a frame.
    level: f32,
    wanted: f32,
    glide: f32,
    /// Change of a fading gain a frame.
    step: f32,
}

/// The worker's end.
pub struct Booth {
    cues: HeapProd<Cue>,
    spent: HeapCons<Box<Clip>>,
}

/// Makes both ends, for sound at `rate` Hz.
pub fn channel(rate: f64, shared: Arc<Shared>) -> (Player, Booth) {
    with_room(rate, shared, CUES, SPENT)
}

fn with_room(rate: f64, shared: Arc<Shared>, cues: usize, spent: usize) -> (Player, Booth) {
    let rate = if rate.is_finite() {
        rate.clamp(1.0, 1e9)
    } else {
        48_000.0
    };
    let (send, receive) = HeapRb::new(cues).split();
    let (give, take) = HeapRb::new(spent).split();
    let player = Player {
        rate,
        shared,
        cues: receive,
        spent: give,
        voice: None,
        leaving: None,
        stuck: None,
        dry: 1.0,
        level: 1.0,
        wanted: 1.0,
        glide: 0.0,
        step: (1.0 / (rate * FADE).max(1.0)) as f32,
    };
    let booth = Booth {
        cues: send,
        spent: take,
    };
    (player, booth)
}

impl Player {
    /// Gain of what is auditioned, 0 to 4; it glides there in 20 ms. What this would lift above -1 dBFS is played at that
    /// instead. Real-time safe.
    pub fn set_level(&mut self, gain: f32) {
        let wanted = if gain.is_finite() {
            gain.clamp(0.0, HIGHEST)
        } else {
            1.0
        };
        if wanted != self.wanted {
            self.wanted = wanted;
            // The slider shows it, whoever turned it.
            self.shared.repaint.request_repaint();
            self.glide = (wanted - self.level).abs() / (self.rate * GLIDE).max(1.0) as f32;
        }
    }

    /// Adds what is auditioned to a block, in place. Real-time safe; leaves the block alone to the bit when nothing plays.
    pub fn block(&mut self, left: &mut [f32], right: &mut [f32], host: &HostTime) {
        self.receive();
        if self.voice.is_none() && self.leaving.is_none() && self.dry >= 1.0 {
            self.level = self.wanted;
            return;
        }
        let clock = Clock::of(host, self.rate);
        if let Some(voice) = &mut self.voice {
            voice.steer(clock.as_ref());
        }
        let solo = self.voice.as_ref().is_some_and(|v| v.clip.how.solo && !v.is_done());
        let target = if solo { 0.0 } else { 1.0 };
        let frames = left.len().min(right.len());
        let mut done = 0;
        while done < frames {
            let (Some(l), Some(r)) = (left.get_mut(done..frames), right.get_mut(done..frames)) else {
                break;
            };
            // Most of the time nothing fades, and whole stretches are added at once.
            if self.dry == target
                && self.level == self.wanted
                && self.leaving.is_none()
                && let Some(voice) = &mut self.voice
                && let Some([wet_l, wet_r]) = voice.stretch(frames - done)
            {
                let level = voice.limit(self.level);
                mix_all(l, wet_l, level, target);
                mix_all(r, wet_r, level, target);
                let count = wet_l.len();
                voice.advance(count);
                done += count.max(1);
                continue;
            }
            let (mut wet_l, mut wet_r) = (0.0, 0.0);
            for voice in [&mut self.voice, &mut self.leaving].into_iter().flatten() {
                let level = voice.limit(self.level);
                let [a, b] = voice.next(self.step);
                wet_l += level * a;
                wet_r += level * b;
            }
            if self.dry != target {
                self.dry = approach(self.dry, target, self.step);
            }
            if self.level != self.wanted {
                self.level = approach(self.level, self.wanted, self.glide);
            }
            if let (Some(l), Some(r)) = (l.first_mut(), r.first_mut()) {
                mix(l, wet_l, self.dry);
                mix(r, wet_r, self.dry);
            }
            done += 1;
        }
        if self.leaving.as_ref().is_some_and(Voice::is_done)
            && self.stuck.is_none()
            && let Some(voice) = self.leaving.take()
        {
            self.retire(voice.clip);
        }
        if self.voice.as_ref().is_some_and(Voice::is_done)
            && self.stuck.is_none()
            && let Some(voice) = self.voice.take()
        {
            self.retire(voice.clip);
        }
        self.tell();
    }

    /// Silence at once: the host bypassed or reset the plugin. Cues that wait are forgotten.
    pub fn silence(&mut self) {
        if self.voice.is_some() || self.leaving.is_some() {
            self.shared.heard.set(None, 0.0);
            self.shared.repaint.request_repaint();
        }
        self.dry = 1.0;
        self.unstick();
        for voice in [&mut self.voice, &mut self.leaving].into_iter().flatten() {
            voice.mute();
        }
        // As many as there is room for; the rest goes later.
        while self.stuck.is_none() {
            let clip = match self.leaving.take().or_else(|| self.voice.take()) {
                Some(voice) => voice.clip,
                None => match self.cues.try_pop() {
                    Some(Cue::Play(clip)) => clip,
                    Some(Cue::Stop) => continue,
                    None => return,
                },
            };
            self.retire(clip);
        }
    }

    /// Takes the cues that have come. Of several clips only the newest is heard.
    fn receive(&mut self) {
        self.unstick();
        // The voice before the last must have left, and what is replaced must have a way out.
        while self.stuck.is_none() && self.leaving.is_none() && !self.cues.is_empty() {
            match self.cues.try_pop() {
                Some(Cue::Play(clip)) if clip.frames() > 0 => {
                    self.leave();
                    self.voice = Some(Voice::new(clip, self.rate));
                }
                Some(Cue::Play(clip)) => self.retire(clip),
                Some(Cue::Stop) => self.leave(),
                None => break,
            }
        }
    }

    /// What plays fades out; if it has not been heard yet it goes at once.
    fn leave(&mut self) {
        let Some(mut voice) = self.voice.take() else { return };
        if voice.is_silent() {
            self.retire(voice.clip);
        } else {
            voice.leave();
            self.leaving = Some(voice);
        }
    }

    fn unstick(&mut self) {
        if let Some(clip) = self.stuck.take() {
            self.retire(clip);
        }
    }

    /// Hands a clip back. Only while none is stuck.
    fn retire(&mut self, clip: Box<Clip>) {
        if let Err(clip) = self.spent.try_push(clip) {
            self.stuck = Some(clip);
        }
    }

    /// Tells the editor what is heard.
    fn tell(&self) {
        match &self.voice {
            Some(voice) if !voice.is_done() => self.shared.heard.set(Some(voice.clip.item), voice.fraction()),
            _ => self.shared.heard.set(None, 0.0),
        }
        self.shared.repaint.request_repaint();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Nothing is heard of it any more, and nobody else would say so.
        if self.voice.is_some() || self.leaving.is_some() {
            self.shared.heard.set(None, 0.0);
            self.shared.repaint.request_repaint();
        }
    }
}

/// One step of a gain towards its target.
fn approach(gain: f32, target: f32, step: f32) -> f32 {
    if gain < target {
        (gain + step).min(target)
    } else {
        (gain - step).max(target)
    }
}

fn mix(x: &mut f32, wet: f32, dry: f32) {
    let wet = if wet.abs() < NOTHING { 0.0 } else { wet };
    if dry >= 1.0 {
        if wet != 0.0 {
            *x += wet;
        }
    } else if dry <= 0.0 {
        // Not a product: infinities pass through here.
        *x = wet;
    } else {
        let passing = *x * dry;
        *x = wet + if passing.abs() < NOTHING { 0.0 } else { passing };
    }
}

/// [`mix`] of a stretch while the passing sound is as loud as ever, or not heard at all.
fn mix_all(plane: &mut [f32], wet: &[f32], level: f32, dry: f32) {
    if dry >= 1.0 {
        for (x, w) in plane.iter_mut().zip(wet) {
            let w = level * w;
            *x = if w.abs() < NOTHING { *x } else { *x + w };
        }
    } else {
        for (x, w) in plane.iter_mut().zip(wet) {
            let w = level * w;
            *x = if w.abs() < NOTHING { 0.0 } else { w };
        }
    }
}

impl Booth {
    /// Sends a cue; false if the ring is full.
    pub fn send(&mut self, cue: Cue) -> bool {
        self.cues.try_push(cue).is_ok()
    }

    /// True where [`Self::send`] finds room.
    pub fn has_room(&self) -> bool {
        self.cues.vacant_len() > 0
    }

    /// Frees what has been played.
    pub fn sweep(&mut self) {
        self.spent.clear();
    }
}

#[cfg(test)]
mod tests;
