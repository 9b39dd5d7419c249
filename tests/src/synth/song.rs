//! A song: its settings, and how it is played.

use std::collections::BTreeMap;

use ebur128::{EbuR128, Mode};
use loopwright_core::audio::AudioBuffer;

use super::arrange::{self, SectionPlan};
use super::clip::{Clip, OnePole, Svf, pan};
use super::drums::{self, Kit, Piece};
use super::material::{self, CYCLE, Key, Material, Note, Stroke};
use super::mix::{self, Desk, Event, soft_clip};
use super::rng::{Noise, Rng};
use super::style::{Palette, Style};
use super::timeline::Timeline;
use super::truth::{self, Hit, Section, Truth};
use super::voices::Voice;

/// Settings of a song; [`Song::build`] plays it.
///
/// ```
/// use loopwright_tests::synth::{Song, Style};
///
/// let song = Song::new(Style::House, 1).short().bpm(120.0).build();
/// assert_eq!(song.truth.beats.len(), 14 * 4);
/// assert!((song.truth.beats[1] - 0.5).abs() < 1e-9);
/// ```
#[derive(Debug, Clone)]
pub struct Song {
    style: Style,
    seed: u64,
    bpm: f64,
    rate: u32,
    swing: f64,
    human: f64,
    drift: f64,
    head_silence: f64,
    odd_bar: bool,
    vinyl: bool,
    lufs: f64,
    short: bool,
    plan: Option<Vec<SectionPlan>>,
}

/// A song that has been played.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Two channels, peaks below full scale.
    pub audio: AudioBuffer,
    /// What is in it.
    pub truth: Truth,
}

impl Song {
    /// A song in `style`; the seed decides tempo, key, sections, patterns and sounds. Steady, exact and in stereo at
    /// 44.1 kHz, about 2 to 4 minutes long.
    pub fn new(style: Style, seed: u64) -> Self {
        let mut rng = Rng::new(seed, style.name());
        let (low, high) = style.tempi();
        Self {
            style,
            seed,
            bpm: (rng.range(low, high) * 2.0).round() / 2.0,
            rate: 44_100,
            swing: style.swing(),
            human: 0.0,
            drift: 0.0,
            head_silence: 0.0,
            odd_bar: false,
            vinyl: false,
            lufs: -12.0,
            short: false,
            plan: None,
        }
    }

    /// A song whose seed also decides what makes real recordings hard: swing, playing by hand, a wandering tempo, an odd
    /// bar, silence at the head, surface noise, level.
    pub fn wild(style: Style, seed: u64) -> Self {
        let mut song = Self::new(style, seed);
        let rng = &mut Rng::new(seed, "wild");
        let played = !style.is_club();
        if rng.chance(0.3) {
            song.swing = rng.range(0.0, 0.25);
        }
        if rng.chance(if played { 0.6 } else { 0.1 }) {
            song.human = rng.range(0.3, 1.0);
        }
        if rng.chance(if played { 0.3 } else { 0.05 }) {
            song.drift = rng.range(0.01, 0.04);
        }
        song.odd_bar = rng.chance(0.12);
        if rng.chance(0.4) {
            song.head_silence = rng.range(0.05, 1.5);
        }
        song.vinyl = style == Style::HipHop && rng.chance(0.4);
        song.lufs = rng.range(-17.0, -9.5);
        song
    }

    /// Tempo in beats per minute.
    pub fn bpm(mut self, bpm: f64) -> Self {
        self.bpm = bpm;
        self
    }

    /// Sample rate in Hz.
    pub fn sample_rate(mut self, rate: u32) -> Self {
        self.rate = rate;
        self
    }

    /// How late every second sixteenth is, as a fraction of a sixteenth: 0 is straight, 0.33 a triplet feel.
    pub fn swing(mut self, swing: f64) -> Self {
        self.swing = swing;
        self
    }

    /// How much it is played by hand, 0 (a machine) to 1 (loose): timing with a standard deviation of up to 7 ms,
    /// velocities, ghost notes that come and go, and sounds that differ from stroke to stroke. Repeats are imperfect.
    pub fn human(mut self, amount: f64) -> Self {
        self.human = amount;
        self
    }

    /// How far the tempo wanders, as a fraction of it; 0.03 is a band without a click.
    pub fn drift(mut self, fraction: f64) -> Self {
        self.drift = fraction;
        self
    }

    /// Silence before the first beat in seconds.
    pub fn head_silence(mut self, seconds: f64) -> Self {
        self.head_silence = seconds;
        self
    }

    /// Puts one bar of two beats between two sections.
    pub fn odd_bar(mut self) -> Self {
        self.odd_bar = true;
        self
    }

    /// Adds the noise of a record's surface.
    pub fn vinyl(mut self) -> Self {
        self.vinyl = true;
        self
    }

    /// Integrated loudness before the master's soft clipping, in LUFS.
    pub fn loudness(mut self, lufs: f64) -> Self {
        self.lufs = lufs;
        self
    }

    /// 14 bars, 20 to 40 s: 8 bars that end in a fill, 2 of drums alone, 4 without drums.
    pub fn short(mut self) -> Self {
        self.short = true;
        self
    }

    /// Sections of one's own.
    pub fn plan(mut self, plan: Vec<SectionPlan>) -> Self {
        self.plan = Some(plan);
        self
    }

    /// Plays the song.
    pub fn build(&self) -> Rendered {
        let plan = self.plan.clone().unwrap_or_else(|| {
            let rng = &mut Rng::new(self.seed, "plan");
            arrange::plan(self.style, self.short, self.odd_bar, rng)
        });
        let meter = self.style.beats_per_bar();
        let beats_in_bars: Vec<u32> = plan
            .iter()
            .flat_map(|s| std::iter::repeat_n(s.beats_per_bar.unwrap_or(meter), s.bars as usize))
            .collect();
        let timeline = Timeline::new(
            &beats_in_bars,
            self.bpm,
            self.head_silence,
            self.drift,
            &mut Rng::new(self.seed, "drift"),
        );
        let rng = &mut Rng::new(self.seed, "key");
        let key = Key {
            tonic: rng.below(12) as i32,
            minor: rng.chance(if self.style.is_club() { 0.85 } else { 0.5 }),
        };
        let material = [1u64, 2].map(|i| {
            let rng = &mut Rng::new(self.seed.wrapping_mul(2).wrapping_add(i), "material");
            Material::new(self.style, key, rng)
        });
        let mut player = Player::new(self, &timeline);
        player.play(&plan, &material);
        let tail = f64::from(player.palette.reverb) + 0.5;
        let end = timeline.beats[timeline.beats.len() - 1];
        let frames = ((end + tail) * f64::from(self.rate)).ceil() as usize;
        let mut hits = std::mem::take(&mut player.hits);
        hits.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut planes = player.mix(frames);
        if self.vinyl {
            surface(&mut planes, self.rate, &mut Rng::new(self.seed, "vinyl"));
        }
        master(&mut planes, self.rate, self.lufs);
        let truth = self.truth(&plan, &material, &timeline, key, &planes, hits);
        let audio = AudioBuffer::new(planes.into(), self.rate).expect("two planes of one length and a rate");
        Rendered { audio, truth }
    }

    fn truth(
        &self,
        plan: &[SectionPlan],
        material: &[Material; 2],
        timeline: &Timeline,
        key: Key,
        planes: &[Vec<f32>; 2],
        drum_hits: Vec<Hit>,
    ) -> Truth {
        let bar_lines: Vec<f64> = (0..timeline.bars.len()).map(|b| timeline.bar(b)).collect();
        let mut bar0 = 0;
        let mut sections: Vec<Section> = Vec::new();
        for p in plan {
            let (start, end) = (bar_lines[bar0], bar_lines[bar0 + p.bars as usize]);
            sections.push(Section {
                name: p.name.clone(),
                bar0,
                bars: p.bars,
                stems: p.stems.clone(),
                start,
                end,
                loop_unit_bars: material[usize::from(p.pattern == 2)].unit(&p.stems),
                fill_last_bar: p.fill,
                crash_first: p.crash,
                through_composed_lead: p.has('V'),
                riser: p.riser,
                riser_start: p.riser.then(|| bar_lines[bar0 + p.bars as usize / 2]),
                content_id: p.content_id(),
                rms_db: rms_db(planes, self.rate, start, end),
            });
            bar0 += p.bars as usize;
        }
        let loops = |wanted: bool| {
            sections
                .iter()
                .filter(|s| s.through_composed_lead == wanted)
                .flat_map(|s| truth::loops_of(s, &bar_lines))
                .collect()
        };
        let loudest = sections.iter().fold(f64::NEG_INFINITY, |m, s| m.max(s.rms_db));
        let mut repeats = Vec::new();
        for (i, a) in sections.iter().enumerate() {
            for (j, b) in sections.iter().enumerate().skip(i + 1) {
                if a.content_id == b.content_id && a.bars > 1 && b.bars > 1 {
                    repeats.push([i, j]);
                }
            }
        }
        Truth {
            style: self.style.name().to_owned(),
            bpm: self.bpm,
            meter: self.style.beats_per_bar(),
            swing: self.swing,
            human: self.human > 0.0,
            tempo_drift: self.drift > 0.0,
            odd_2_4_bar: plan.iter().any(|p| p.beats_per_bar.is_some()),
            head_silence: self.head_silence,
            key: key.tonic,
            mode: if key.minor { "min" } else { "maj" }.to_owned(),
            dur: planes[0].len() as f64 / f64::from(self.rate),
            beats: timeline.beats[..timeline.beats.len() - 1].to_vec(),
            downbeats: bar_lines[..bar_lines.len() - 1].to_vec(),
            true_loops: loops(false),
            soft_loops: loops(true),
            breaks: truth::regions(&sections, |s| s.stems == "D"),
            drumless: truth::regions(&sections, |s| !s.stems.contains(['D', 'H'])),
            quiet: truth::regions(&sections, |s| s.rms_db <= loudest - 6.0),
            repeats,
            sections,
            drum_hits,
        }
    }
}

/// An instrument's part in the mix.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Which instrument, for the cache of notes.
    id: u8,
    voice: Voice,
    gain: f32,
    place: f32,
    send: f32,
    /// Repeats a dotted eighth later, softer and from the other side.
    echo: f32,
    /// Share of the step that is held.
    legato: f64,
}

struct Player<'a> {
    song: &'a Song,
    timeline: &'a Timeline,
    palette: Palette,
    kit: Kit,
    clips: Vec<Clip>,
    cache: BTreeMap<(u8, Vec<i32>, u32, u8), usize>,
    events: Vec<Event>,
    hits: Vec<Hit>,
    kicks: Vec<usize>,
    feel: Rng,
}

impl<'a> Player<'a> {
    fn new(song: &'a Song, timeline: &'a Timeline) -> Self {
        let palette = song.style.palette();
        Self {
            song,
            timeline,
            kit: palette.kit.varied(&mut Rng::new(song.seed, "kit"), 0.18),
            palette,
            clips: Vec::new(),
            cache: BTreeMap::new(),
            events: Vec::new(),
            hits: Vec::new(),
            kicks: Vec::new(),
            feel: Rng::new(song.seed, "feel"),
        }
    }

    fn play(&mut self, plan: &[SectionPlan], material: &[Material; 2]) {
        let bass_voice = self.palette.bass;
        let part = |id, voice, gain, place, send, echo, legato| Part {
            id,
            voice,
            gain,
            place,
            send,
            echo,
            legato,
        };
        let bass = part(20, bass_voice, 0.14, 0.0, 0.0, 0.0, 0.9);
        let chords = part(21, self.palette.chords, 0.18, 0.0, 0.18, 0.0, 0.85);
        let pad = part(22, self.palette.pad, 0.14, 0.0, 0.22, 0.0, 0.98);
        let arp = part(23, self.palette.arp, 0.11, 0.25, 0.22, 0.4, 0.8);
        let lead = part(24, self.palette.lead, 0.13, -0.1, 0.18, 0.25, 0.92);
        let mut bar0 = 0;
        for (index, section) in plan.iter().enumerate() {
            let set = &material[usize::from(section.pattern == 2)];
            let level = 10f32.powf(section.level_db / 20.0);
            // Each section has its own stream, so that one section's fill does not change the next one's lead.
            let rng = &mut Rng::new(self.song.seed ^ (index as u64 + 1).wrapping_mul(0x5851_f42d), "section");
            let mut last = 72;
            let fill = material::fill(set.steps, rng);
            for i in 0..section.bars as usize {
                let (bar, k) = (bar0 + i, i % CYCLE);
                let closing = section.fill && i + 1 == section.bars as usize;
                if section.has('D') {
                    self.drum_bar(bar, &set.drums[k], closing.then_some(&fill[..]), level);
                } else if section.has('H') {
                    self.drum_bar(bar, &set.hats[k], None, level);
                }
                for (stem, part, bars) in [
                    ('B', &bass, &set.bass),
                    ('C', &chords, &set.chords),
                    ('P', &pad, &set.pad),
                    ('A', &arp, &set.arp),
                    ('L', &lead, &set.motif),
                ] {
                    if section.has(stem) {
                        self.pitched_bar(bar, part, &bars[k], level);
                    }
                }
                if section.has('V') {
                    let notes = material::melody_bar(&set.tones[k], set.key, set.steps, &mut last, rng);
                    self.pitched_bar(bar, &lead, &notes, level);
                }
            }
            if section.crash {
                let crash = Stroke {
                    step: 0.0,
                    piece: Piece::Crash,
                    velocity: 1.0,
                };
                self.stroke(bar0, crash, level);
            }
            if section.riser {
                let from = bar0 + section.bars as usize / 2;
                let (start, end) = (self.timeline.bar(from), self.timeline.bar(bar0 + section.bars as usize));
                let clip = drums::riser((end - start) as f32, self.song.rate as f32, rng);
                self.clips.push(clip);
                let gain = 0.25 * level;
                self.events.push(Event {
                    frame: self.frame(start),
                    clip: self.clips.len() - 1,
                    gain: [gain; 2],
                    send: 0.2,
                    ducks: true,
                });
            }
            bar0 += section.bars as usize;
        }
    }

    fn frame(&self, seconds: f64) -> usize {
        // To 1/256 first: what lies half-way between two frames goes the same way in every bar.
        let fine = (seconds.max(0.0) * f64::from(self.song.rate) * 256.0).round();
        (fine / 256.0).round() as usize
    }

    /// Time of a step (a sixteenth) in a bar, swung.
    fn time(&self, bar: usize, step: f64) -> f64 {
        let late = if step.rem_euclid(2.0) == 1.0 {
            self.song.swing
        } else {
            0.0
        };
        self.timeline.at(bar, (step + late) / 4.0)
    }

    /// One of how many ways a sound is played.
    fn variant(&mut self) -> u8 {
        if self.song.human > 0.0 {
            self.feel.below(4) as u8
        } else {
            0
        }
    }

    /// Lateness in seconds (never more than 3 standard deviations) and change of velocity.
    fn touch(&mut self) -> (f64, f32) {
        if self.song.human == 0.0 {
            return (0.0, 1.0);
        }
        let late = (self.feel.normal().clamp(-3.0, 3.0)) * 0.007 * self.song.human;
        let velocity = 1.0 + 0.12 * self.song.human * self.feel.normal().clamp(-2.0, 2.0);
        (late, velocity as f32)
    }

    fn drum_bar(&mut self, bar: usize, strokes: &[Stroke], fill: Option<&[Stroke]>, level: f32) {
        let steps = self.timeline.beats_in(bar) as f32 * 4.0;
        let fill_from = fill.and_then(|f| f.first()).map_or(f32::MAX, |s| s.step);
        let human = self.song.human;
        for &stroke in strokes.iter().filter(|s| s.step < steps && s.step < fill_from) {
            // Soft strokes are not missed when they are left out.
            if human > 0.0 && stroke.velocity < 0.5 && self.feel.chance(0.2 * human) {
                continue;
            }
            self.stroke(bar, stroke, level);
        }
        if human > 0.0 && fill.is_none() && self.feel.chance(0.25 * human) {
            let ghost = Stroke {
                step: (1 + 2 * self.feel.below(steps as usize / 2)) as f32,
                piece: if self.feel.chance(0.5) {
                    Piece::Snare
                } else {
                    Piece::Closed
                },
                velocity: 0.28,
            };
            if strokes.iter().any(|s| s.piece == ghost.piece) {
                self.stroke(bar, ghost, level);
            }
        }
        for &stroke in fill.unwrap_or_default() {
            self.stroke(bar, stroke, level);
        }
    }

    fn stroke(&mut self, bar: usize, stroke: Stroke, level: f32) {
        let variant = self.variant();
        let (late, touch) = self.touch();
        let velocity = (stroke.velocity * touch).clamp(0.05, 1.0);
        let time = (self.time(bar, f64::from(stroke.step)) + late).max(0.0);
        let clip = self.drum(stroke.piece, variant);
        let (gain, place, send) = stroke.piece.place();
        // Loudness falls faster than velocity, as on a real kit.
        let gain = gain * velocity.powf(1.5) * level;
        let sides = pan(place);
        let frame = self.frame(time);
        self.events.push(Event {
            frame,
            clip,
            gain: [gain * sides[0], gain * sides[1]],
            send,
            ducks: false,
        });
        if stroke.piece == Piece::Kick {
            self.kicks.push(frame);
        }
        self.hits.push(Hit(time, stroke.piece.class().to_owned(), velocity));
    }

    fn drum(&mut self, piece: Piece, variant: u8) -> usize {
        let key = (piece as u8, Vec::new(), 0, variant);
        if let Some(&clip) = self.cache.get(&key) {
            return clip;
        }
        let rng = &mut Rng::new(self.song.seed ^ (u64::from(variant) << 8 | piece as u64), "drum");
        let kit = if variant > 0 {
            self.kit.varied(rng, 0.03)
        } else {
            self.kit
        };
        self.clips.push(kit.play(piece, self.song.rate as f32, rng));
        self.cache.insert(key, self.clips.len() - 1);
        self.clips.len() - 1
    }

    fn pitched_bar(&mut self, bar: usize, part: &Part, notes: &[Note], level: f32) {
        let steps = self.timeline.beats_in(bar) as u16 * 4;
        // Nominal tempo: where it wanders, notes are a little long or short, and still come from the cache.
        let step_seconds = 15.0 / self.song.bpm;
        for note in notes.iter().filter(|n| n.step < steps) {
            let held = f64::from(note.steps.min(steps - note.step));
            let gate = (held * part.legato * step_seconds * 1000.0).round() as u32;
            let variant = self.variant();
            let (late, touch) = self.touch();
            let key = (part.id, note.pitches.clone(), gate, variant);
            let clip = match self.cache.get(&key) {
                Some(&clip) => clip,
                None => {
                    let label = note.pitches.iter().fold(u64::from(variant), |h, &p| h * 131 + p as u64);
                    let rng = &mut Rng::new(self.song.seed ^ (label << 8 | u64::from(part.id)), "note");
                    let rate = self.song.rate as f32;
                    self.clips
                        .push(part.voice.play(&note.pitches, gate as f32 / 1000.0, rate, rng));
                    self.cache.insert(key, self.clips.len() - 1);
                    self.clips.len() - 1
                }
            };
            let (mut gain, mut place) = (part.gain * level * note.velocity * touch, part.place);
            for repeat in 0..3u32 {
                let step = f64::from(note.step) + 3.0 * f64::from(repeat);
                let time = self.time(bar, step) + late;
                let sides = pan(place);
                self.events.push(Event {
                    frame: self.frame(time),
                    clip,
                    gain: [gain * sides[0], gain * sides[1]],
                    send: part.send,
                    ducks: true,
                });
                gain *= part.echo;
                place *= -2.0;
                if part.echo == 0.0 {
                    break;
                }
            }
        }
    }

    fn mix(mut self, frames: usize) -> [Vec<f32>; 2] {
        self.events.sort_by_key(|e| e.frame);
        self.kicks.sort_unstable();
        let desk = Desk {
            rate: self.song.rate as f32,
            duck: self.palette.duck,
            kicks: self.kicks,
            reverb: self.palette.reverb,
        };
        mix::mix(&desk, &self.clips, &self.events, frames)
    }
}

/// Hiss, rumble and crackle at about −50 dB.
fn surface(planes: &mut [Vec<f32>; 2], rate: u32, rng: &mut Rng) {
    let mut noise = [Noise::new(rng), Noise::new(rng)];
    let mut crackle = 0.0f32;
    for i in 0..planes[0].len() {
        if rng.chance(6.0 / f64::from(rate)) {
            crackle = rng.range(0.02, 0.12) as f32;
        }
        for (plane, noise) in planes.iter_mut().zip(&mut noise) {
            let x = noise.next();
            plane[i] += 0.002 * x + crackle * x;
        }
        crackle *= 0.9;
    }
}

/// Takes out what lies below hearing, rolls off the top as a tape does (12 dB an octave from 12 kHz), brings the song to `lufs` and bends its peaks below full scale.
fn master(planes: &mut [Vec<f32>; 2], rate: u32, lufs: f64) {
    for plane in planes.iter_mut() {
        let mut rumble = OnePole::new(12.0, rate as f32);
        let mut tape = Svf::new(12_000.0, 0.6, rate as f32);
        plane.iter_mut().for_each(|x| *x = tape.tick(rumble.high(*x)).low);
    }
    let loudness = EbuR128::new(2, rate, Mode::I).ok().and_then(|mut meter| {
        meter.add_frames_planar_f32(&[&planes[0], &planes[1]]).ok()?;
        meter.loudness_global().ok()
    });
    let gain = match loudness {
        Some(x) if x.is_finite() => 10f64.powf((lufs - x) / 20.0) as f32,
        _ => 1.0,
    };
    for plane in planes {
        plane.iter_mut().for_each(|x| *x = soft_clip(*x * gain));
    }
}

fn rms_db(planes: &[Vec<f32>; 2], rate: u32, start: f64, end: f64) -> f64 {
    let frame = |t: f64| ((t * f64::from(rate)) as usize).min(planes[0].len());
    let range = frame(start)..frame(end);
    let count = range.len().max(1) as f64;
    let power: f64 = planes[0][range.clone()]
        .iter()
        .zip(&planes[1][range])
        .map(|(l, r)| f64::from(0.5 * (l + r)).powi(2))
        .sum();
    (1000.0 * (power / count).max(1e-20).log10()).round() / 100.0
}
