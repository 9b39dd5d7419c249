//! What a song is made of: a drum groove, a chord progression, and the lines over it, bar by bar.

use super::drums::Piece;
use super::rng::Rng;
use super::style::Style;

/// A drum stroke. `step` counts sixteenths from the bar line and may be fractional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) step: f32,
    pub(crate) piece: Piece,
    pub(crate) velocity: f32,
}

/// Notes that sound together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    pub(crate) step: u16,
    pub(crate) steps: u16,
    pub(crate) pitches: Vec<i32>,
    pub(crate) velocity: f32,
}

/// Bars of material are counted modulo this.
pub(crate) const CYCLE: usize = 16;

/// One set of material, each part with [`CYCLE`] bars.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    pub(crate) drums: Vec<Vec<Stroke>>,
    pub(crate) hats: Vec<Vec<Stroke>>,
    pub(crate) bass: Vec<Vec<Note>>,
    pub(crate) chords: Vec<Vec<Note>>,
    pub(crate) pad: Vec<Vec<Note>>,
    pub(crate) arp: Vec<Vec<Note>>,
    pub(crate) motif: Vec<Vec<Note>>,
    /// Chord tones of each bar, for lines that are made up on the spot.
    pub(crate) tones: Vec<Vec<i32>>,
    pub(crate) key: Key,
    pub(crate) steps: u16,
}

/// A key: pitch class of its tonic, and its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) tonic: i32,
    pub(crate) minor: bool,
}

impl Key {
    /// MIDI note of a degree (0 is the tonic) in the octave from C1 (MIDI 24) up, with degrees beyond 6 above it.
    fn degree(self, degree: i32) -> i32 {
        let scale = if self.minor {
            [0, 2, 3, 5, 7, 8, 10]
        } else {
            [0, 2, 4, 5, 7, 9, 11]
        };
        24 + self.tonic + 12 * degree.div_euclid(7) + scale[degree.rem_euclid(7) as usize]
    }
}

/// Smallest of 1, 2, 4, 8 and 16 bars after which `bars` repeats itself.
pub(crate) fn period<T: PartialEq>(bars: &[T]) -> u32 {
    [1, 2, 4, 8]
        .into_iter()
        .find(|&p| bars.iter().zip(&bars[p.min(bars.len())..]).all(|(a, b)| a == b))
        .unwrap_or(CYCLE) as u32
}

fn velocity(c: char) -> Option<f32> {
    match c {
        'X' => Some(1.0),
        'x' => Some(0.75),
        'o' => Some(0.42),
        _ => None,
    }
}

impl Material {
    pub(crate) fn new(style: Style, key: Key, rng: &mut Rng) -> Self {
        let steps = style.beats_per_bar() as u16 * 4;
        let drums = drums(style, rng);
        let hats = drums
            .iter()
            .map(|bar| {
                let light = |s: &&Stroke| matches!(s.piece, Piece::Closed | Piece::Open | Piece::Shaker | Piece::Ride);
                bar.iter().filter(light).copied().collect()
            })
            .collect();
        let progression = progression(style, key, rng);
        let sevenths = matches!(style, Style::HipHop | Style::House | Style::Funk);
        let tones: Vec<Vec<i32>> = progression
            .iter()
            .map(|&d| {
                let mut tones = vec![key.degree(d), key.degree(d + 2), key.degree(d + 4)];
                if sevenths {
                    tones.push(key.degree(d + 6));
                }
                tones
            })
            .collect();
        let bass = bass(style, key, &progression, rng);
        let voicings: Vec<Vec<i32>> = tones.iter().map(|t| voice(t, 55)).collect();
        let low: Vec<Vec<i32>> = tones.iter().map(|t| voice(t, 50)).collect();
        let comp = rng.pick(style.comps());
        let chords = voicings.iter().map(|v| rhythm(comp, v)).collect();
        let pad = low
            .iter()
            .map(|v| {
                vec![Note {
                    step: 0,
                    steps,
                    pitches: v.clone(),
                    velocity: 1.0,
                }]
            })
            .collect();
        let arp = arpeggio(&tones, steps, rng);
        let motif = motif(&tones, key, steps, rng);
        Self {
            drums,
            hats,
            bass,
            chords,
            pad,
            arp,
            motif,
            tones,
            key,
            steps,
        }
    }

    /// The smallest number of bars after which a section of these stems repeats; a `V` lead is not counted.
    pub(crate) fn unit(&self, stems: &str) -> u32 {
        stems
            .chars()
            .map(|stem| match stem {
                'D' => period(&self.drums),
                'H' => period(&self.hats),
                'B' => period(&self.bass),
                'C' => period(&self.chords),
                'P' => period(&self.pad),
                'A' => period(&self.arp),
                'L' => period(&self.motif),
                _ => 1,
            })
            .max()
            .unwrap_or(1)
    }
}

/// A groove of 1, 2 or 4 bars: one bar from the style's list, and in the last bar another kick pattern.
fn drums(style: Style, rng: &mut Rng) -> Vec<Vec<Stroke>> {
    let groove = rng.pick(style.grooves());
    let parse = |piece: Piece, pattern: &str| -> Vec<Stroke> {
        pattern
            .chars()
            .enumerate()
            .filter_map(|(step, c)| {
                velocity(c).map(|velocity| Stroke {
                    step: step as f32,
                    piece,
                    velocity,
                })
            })
            .collect()
    };
    let mut bar: Vec<Stroke> = groove.iter().flat_map(|&(piece, p)| parse(piece, p)).collect();
    bar.sort_by(|a, b| a.step.total_cmp(&b.step));
    let length = rng.pick(&[1usize, 2, 2, 4]);
    let mut answer = bar.clone();
    let steps = style.beats_per_bar() as usize * 4;
    let extra = Stroke {
        step: (steps - 1 - rng.below(3)) as f32,
        piece: if rng.chance(0.6) { Piece::Kick } else { Piece::Snare },
        velocity: 0.7,
    };
    let taken = |s: &Stroke| s.step == extra.step && matches!(s.piece, Piece::Kick | Piece::Snare);
    if answer.iter().any(taken) {
        answer.retain(|s| !taken(s));
    } else {
        answer.push(extra);
    }
    if !style.is_club() {
        // A second change, early in the bar, so that the answer is heard as one.
        let step = (2 + 4 * rng.below(2)) as f32;
        if !answer.iter().any(|s| s.step == step && s.piece == Piece::Kick) {
            answer.push(Stroke {
                step,
                piece: Piece::Kick,
                velocity: 0.75,
            });
        }
    }
    answer.sort_by(|a, b| a.step.total_cmp(&b.step));
    (0..CYCLE)
        .map(|i| {
            if length > 1 && i % length == length - 1 {
                answer.clone()
            } else {
                bar.clone()
            }
        })
        .collect()
}

fn progression(style: Style, key: Key, rng: &mut Rng) -> Vec<i32> {
    const MINOR: &[[i32; 4]] = &[
        [0, 5, 2, 6],
        [0, 3, 5, 4],
        [0, 6, 5, 6],
        [0, 0, 5, 6],
        [0, 2, 6, 3],
        [5, 6, 0, 0],
    ];
    const MAJOR: &[[i32; 4]] = &[[0, 4, 5, 3], [0, 5, 3, 4], [1, 4, 0, 5], [0, 3, 1, 4], [5, 3, 0, 4]];
    let table = if key.minor { MINOR } else { MAJOR };
    let first = rng.pick(table);
    let bars: Vec<i32> = match (style, rng.below(4)) {
        (Style::Techno, 0 | 1) => vec![0, 0, 0, 5],
        (Style::Techno | Style::House, 2) => vec![first[0], first[2]],
        (Style::HipHop | Style::Waltz | Style::DrumAndBass, 0 | 1) => {
            let mut second = rng.pick(table);
            if second == first {
                second = [first[0], first[3], first[1], first[2]];
            }
            first.into_iter().chain(second).collect()
        }
        _ => first.to_vec(),
    };
    (0..CYCLE).map(|i| bars[i % bars.len()]).collect()
}

fn bass(style: Style, key: Key, progression: &[i32], rng: &mut Rng) -> Vec<Vec<Note>> {
    let lines = [rng.pick(style.basses()), rng.pick(style.basses())];
    let two = rng.chance(0.4);
    progression
        .iter()
        .enumerate()
        .map(|(i, &degree)| {
            let root = fold(key.degree(degree), 33);
            let line: Vec<char> = lines[usize::from(two && i % 2 == 1)].chars().collect();
            let mut notes: Vec<Note> = Vec::new();
            for (step, &c) in line.iter().enumerate() {
                let pitch = match c {
                    'r' => root,
                    'o' => root + 12,
                    'f' => root + 7,
                    '-' => {
                        if let Some(note) = notes.last_mut() {
                            note.steps += 1;
                        }
                        continue;
                    }
                    _ => continue,
                };
                notes.push(Note {
                    step: step as u16,
                    steps: 1,
                    pitches: vec![pitch],
                    velocity: if step % 4 == 0 { 1.0 } else { 0.88 },
                });
            }
            notes
        })
        .collect()
}

/// `pitch` moved by octaves into the octave from `low` up.
fn fold(pitch: i32, low: i32) -> i32 {
    low + (pitch - low).rem_euclid(12)
}

/// Close voicing: every tone in the octave from `low` up, the root first.
fn voice(tones: &[i32], low: i32) -> Vec<i32> {
    tones.iter().map(|&t| fold(t, low)).collect()
}

fn rhythm(pattern: &str, pitches: &[i32]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for (step, c) in pattern.chars().enumerate() {
        if let Some(velocity) = velocity(c) {
            notes.push(Note {
                step: step as u16,
                steps: 1,
                pitches: pitches.to_vec(),
                velocity,
            });
        } else if c == '-'
            && let Some(note) = notes.last_mut()
        {
            note.steps += 1;
        }
    }
    notes
}

fn arpeggio(tones: &[Vec<i32>], steps: u16, rng: &mut Rng) -> Vec<Vec<Note>> {
    let stride = rng.pick(&[1u16, 2, 2]);
    let order: Vec<usize> = (0..steps / stride).map(|_| rng.below(6)).collect();
    let climb = rng.chance(0.5);
    tones
        .iter()
        .map(|tones| {
            let ladder: Vec<i32> = voice(tones, 62)
                .into_iter()
                .flat_map(|t| [t, t + 12])
                .collect::<std::collections::BTreeSet<i32>>()
                .into_iter()
                .collect();
            (0..steps / stride)
                .map(|i| {
                    let rung = if climb { i as usize } else { order[i as usize] };
                    Note {
                        step: i * stride,
                        steps: stride,
                        pitches: vec![ladder[rung % ladder.len()]],
                        velocity: if i % 4 == 0 { 1.0 } else { 0.7 },
                    }
                })
                .collect()
        })
        .collect()
}

/// One bar of melody near `last`, which it moves: chord tones on the beats, neighbours between.
pub(crate) fn melody_bar(tones: &[i32], key: Key, steps: u16, last: &mut i32, rng: &mut Rng) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut step = if rng.chance(0.25) { 2 } else { 0 };
    while step < steps {
        let length = rng.pick(&[2u16, 2, 3, 4, 4, 6]).min(steps - step);
        if rng.chance(0.18) {
            step += length;
            continue;
        }
        let strong = step % 4 == 0;
        let mut choices: Vec<i32> = if strong {
            tones.iter().map(|&t| fold(t, *last - 6)).collect()
        } else {
            (0..7).map(|d| fold(key.degree(d), *last - 4)).collect()
        };
        choices.retain(|&p| (64..=86).contains(&p));
        if choices.is_empty() {
            choices.push(fold(tones[0], 69));
        }
        *last = rng.pick(&choices);
        notes.push(Note {
            step,
            steps: length,
            pitches: vec![*last],
            velocity: if strong { 1.0 } else { 0.8 },
        });
        step += length;
    }
    notes
}

/// Eight bars in the form a a' a b, each two bars long; `a` keeps its rhythm over other chords.
fn motif(tones: &[Vec<i32>], key: Key, steps: u16, rng: &mut Rng) -> Vec<Vec<Note>> {
    let mut last = 74;
    let mut line = |at: usize, rng: &mut Rng| -> Vec<Vec<Note>> {
        (0..2)
            .map(|i| melody_bar(&tones[(at + i) % tones.len()], key, steps, &mut last, rng))
            .collect()
    };
    let mut bars = Vec::new();
    let a = line(0, rng);
    bars.extend(a.clone());
    bars.extend(line(2, rng));
    bars.extend(a);
    bars.extend(line(6, rng));
    (0..CYCLE).map(|i| bars[i % 8].clone()).collect()
}

/// A fill for the second half of a bar of `steps`: a roll that grows, toms that fall, or both. It ends at the bar line.
pub(crate) fn fill(steps: u16, rng: &mut Rng) -> Vec<Stroke> {
    let from = steps / 2;
    let count = steps - from;
    let kind = rng.below(3);
    let toms = [
        Piece::Snare,
        Piece::TomHigh,
        Piece::TomHigh,
        Piece::TomMid,
        Piece::TomMid,
        Piece::TomLow,
        Piece::TomLow,
        Piece::TomLow,
    ];
    let mut strokes = Vec::new();
    for i in 0..count {
        let x = f32::from(i) / f32::from(count);
        let rest = rng.chance(0.15) && i != 0;
        let piece = match kind {
            0 => Piece::Snare,
            1 => toms[(x * 8.0) as usize],
            _ if x < 0.5 => Piece::Snare,
            _ => toms[((x - 0.5) * 16.0) as usize],
        };
        if rest {
            continue;
        }
        let stroke = Stroke {
            step: f32::from(from + i),
            piece,
            velocity: 0.55 + 0.45 * x,
        };
        strokes.push(stroke);
        if kind == 0 && x >= 0.5 {
            strokes.push(Stroke {
                step: stroke.step + 0.5,
                velocity: stroke.velocity * 0.8,
                ..stroke
            });
        }
    }
    strokes
}
