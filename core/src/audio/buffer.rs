//! Planar audio in memory.

/// Planar 32-bit float audio: equal-length planes, full scale at ±1.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioBuffer {
    planes: Vec<Vec<f32>>,
    sample_rate: u32,
}

/// Why planes do not make a buffer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BufferError {
    /// No planes.
    #[error("audio has no channels")]
    NoChannels,
    /// Sample rate 0.
    #[error("audio has a sample rate of 0 Hz")]
    ZeroRate,
    /// The planes differ in length.
    #[error("channel {channel} has {frames} frames where the first has {expected}")]
    Ragged {
        /// Which plane.
        channel: usize,
        /// Its length.
        frames: usize,
        /// The first plane's length.
        expected: usize,
    },
}

impl AudioBuffer {
    /// Takes one plane per channel, all of one length, at `sample_rate` Hz.
    pub fn new(planes: Vec<Vec<f32>>, sample_rate: u32) -> Result<Self, BufferError> {
        let expected = planes.first().ok_or(BufferError::NoChannels)?.len();
        if sample_rate == 0 {
            return Err(BufferError::ZeroRate);
        }
        if let Some((channel, p)) = planes.iter().enumerate().find(|(_, p)| p.len() != expected) {
            return Err(BufferError::Ragged {
                channel,
                frames: p.len(),
                expected,
            });
        }
        Ok(Self { planes, sample_rate })
    }

    /// Frames, that is samples per channel.
    pub fn frames(&self) -> usize {
        self.planes[0].len()
    }

    /// Number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.planes.len()
    }

    /// Sample rate in Hz, at least 1.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.sample_rate)
    }

    /// The planes, one per channel.
    pub fn planes(&self) -> &[Vec<f32>] {
        &self.planes
    }

    /// Mean of the channels.
    pub fn mono(&self) -> Vec<f32> {
        let gain = 1.0 / self.channels() as f32;
        match self.planes.as_slice() {
            [one] => one.clone(),
            [left, right] => left.iter().zip(right).map(|(l, r)| (l + r) * 0.5).collect(),
            planes => (0..self.frames())
                .map(|i| planes.iter().map(|p| p[i]).sum::<f32>() * gain)
                .collect(),
        }
    }
}
