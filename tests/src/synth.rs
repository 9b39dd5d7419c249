//! A procedural synthesiser of music whose truth is known.
//!
//! Accuracy can only be tested on music of which every beat, bar, section and repeat is known. Recordings with such
//! labels are few, and cannot be shipped; so this module composes, plays and mixes songs from a seed, and writes down
//! what it did. No samples are used: drums are swept sines and filtered noise, instruments are band-limited oscillators
//! through filters, FM pairs and additive partials.
//!
//! A song is
//!
//! ```text
//! seed ─▶ plan (sections) ─▶ material (grooves, chords, lines) ─▶ events (clip, frame, gain) ─▶ mix ─▶ audio
//!                │                                                      │
//!                └──────────────────────────────▶ truth ◀───────────────┘
//! ```
//!
//! Conventions. Times in the truth are seconds from the first frame of the audio. A beat is what the meter counts (the
//! quarter note). A *stem* is a letter: `D` drums, `H` hats alone, `B` bass, `C` chords, `P` pad, `A` arpeggio, `L` a lead
//! that repeats every 8 bars, `V` a lead that never repeats. Nothing in a song depends on the clock, on threads or on the
//! order of a hash map: the same [`Song`] gives the same samples on one machine (another machine's `sin` may differ in
//! the last bit).
//!
//! Without [`Song::human`], [`Song::drift`] and [`Song::vinyl`], a bar that is repeated is the same to the sample wherever
//! the bar is a whole number of frames long (120 bpm at 44.1 kHz is), apart from echoes and reverberation of what came
//! before; elsewhere hits move by up to half a frame against each other, as they do in a sampler.

mod arrange;
mod clip;
mod drums;
mod material;
mod mix;
mod rng;
mod set;
mod song;
mod style;
mod timeline;
mod truth;
mod voices;

pub use arrange::SectionPlan;
pub use set::{Preset, SetError, write_set, write_wav};
pub use song::{Rendered, Song};
pub use style::Style;
pub use truth::{Hit, Region, Section, TrueLoop, Truth};
