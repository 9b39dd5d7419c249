//! Compressed audio, through Symphonia.

use std::io::{Read, Seek};

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{MetadataOptions, StandardTag};
use symphonia::core::packet::Packet;

use super::source::Source;
use super::{DecodeErrorKind, Decoded, LeadIn, Tags, check_size, damage};
use crate::audio::buffer::AudioBuffer;
use crate::audio::mp4::Edits;
use crate::audio::riff::RATES;
use crate::audio::status::{Meter, repair};
use crate::config;
use crate::progress::{Cancelled, Progress, Stage};

/// Frames that an AAC encoder prepends where the file does not say.
const AAC_PRIMING: u32 = 1024;
/// After so many undecodable packets in a row, the rest is taken for something else than audio.
const MAX_BAD_RUN: u32 = 1000;
/// Fewer missing frames than this are a difference of opinion about padding: two MPEG frames.
const FEW: u64 = 2304;
/// Longest silence that stands in for one undecodable packet, in frames.
const MAX_PACKET: u64 = 1 << 16;

fn error(e: SymphoniaError) -> DecodeErrorKind {
    match e {
        SymphoniaError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeErrorKind::Malformed("the file ends too early".into())
        }
        // A seek to before the start, which a damaged offset leads to.
        SymphoniaError::IoError(e) if e.kind() == std::io::ErrorKind::InvalidInput => {
            DecodeErrorKind::Malformed("it points outside of itself".into())
        }
        SymphoniaError::IoError(e) => DecodeErrorKind::Io(e),
        SymphoniaError::Unsupported(what) => DecodeErrorKind::Unsupported(what.into()),
        e => DecodeErrorKind::Malformed(e.to_string()),
    }
}

/// The track that is decoded, and what its container says about it.
struct Selected {
    id: u32,
    params: AudioCodecParameters,
    /// Seconds a tick of its packets' durations.
    tick: Option<f64>,
    track: Track,
}

fn select(format: &dyn FormatReader) -> Result<Selected, DecodeErrorKind> {
    let none = || DecodeErrorKind::Unsupported("it has no audio track".into());
    let track = format.default_track(TrackType::Audio).ok_or_else(none)?;
    let params = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or_else(none)?;
    let tick = track
        .time_base
        .map(|t| f64::from(t.numer.get()) / f64::from(t.denom.get()));
    Ok(Selected {
        id: track.id,
        params: params.clone(),
        tick,
        track: track.clone(),
    })
}

fn is_mpeg_audio(codec: AudioCodecId) -> bool {
    matches!(codec, CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3)
}

fn make_decoder(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, DecodeErrorKind> {
    // MPEG audio is trimmed here: the demuxer estimates the length of files without a Xing header, and a decoder that
    // trims by it drops the end of those with a variable bit rate.
    let options = AudioDecoderOptions::default().gapless(!is_mpeg_audio(params.codec));
    symphonia::default::get_codecs()
        .make_audio_decoder(params, &options)
        .map_err(error)
}

/// What to cut away, in frames.
struct Trim {
    start: u64,
    /// Length to be heard after the start is gone; `None` for all.
    length: Option<u64>,
    lead_in: LeadIn,
}

fn trim(selected: &Selected, format: &str, edits: &Edits) -> Trim {
    let track = &selected.track;
    let rate = selected.params.sample_rate.unwrap_or(0);
    let mut trim = Trim {
        start: 0,
        length: None,
        lead_in: LeadIn::Exact,
    };
    if is_mpeg_audio(selected.params.codec) {
        match track.delay.filter(|&d| d > 0) {
            Some(delay) => trim.start = u64::from(delay),
            None => trim.lead_in = LeadIn::Unknown,
        }
    }
    if format == "isomp4" {
        let edit = edits.tracks.iter().find(|e| e.track == selected.id);
        let at_rate = |ticks: u64, scale: u32| (ticks as f64 * f64::from(rate) / f64::from(scale)).round() as u64;
        // The sample table counts the priming, and in most files leaves the padding of the last packet out.
        let counted = track.num_frames;
        if let Some((edit, start)) = edit.and_then(|e| Some((e, e.start.filter(|&s| s > 0)?))) {
            trim.start = at_rate(start, edit.timescale);
            let rest = counted.map(|n| n.saturating_sub(trim.start));
            // A length in milliseconds is too coarse to cut by, unless it is the only one, or much shorter.
            let edited = edit
                .length
                .map(|(ticks, scale)| (at_rate(ticks, scale), at_rate(1, scale)));
            trim.length = match (rest, edited) {
                (Some(rest), Some((edited, tick))) if rest.abs_diff(edited) <= tick => Some(rest),
                (Some(rest), Some((edited, _))) => Some(rest.min(edited)),
                (rest, edited) => rest.or(edited.map(|(n, _)| n)),
            };
        } else if let Some(smpb) = edits.smpb {
            trim.start = smpb.delay;
            trim.length = Some(smpb.frames);
        } else if selected.params.codec == CODEC_ID_AAC && edit.is_none_or(|e| e.start.is_none()) {
            trim.start = u64::from(AAC_PRIMING);
            trim.length = counted.map(|n| n.saturating_sub(trim.start));
            trim.lead_in = LeadIn::Assumed(AAC_PRIMING);
        }
    } else if selected.params.codec == CODEC_ID_AAC {
        // A CAF's packet table counts them; a raw stream has nowhere to say.
        match track.delay {
            Some(delay) => (trim.start, trim.length) = (u64::from(delay), track.num_frames),
            None => trim.lead_in = LeadIn::Unknown,
        }
    }
    trim
}

/// Gathers decoded packets.
struct Sink<'a> {
    planes: Vec<Vec<f32>>,
    sample_rate: u32,
    /// Frames still to be dropped at the start.
    skip: u64,
    /// Silence before the first packet that could be decoded.
    leading: u64,
    /// Frames taken in, dropped ones included.
    taken: u64,
    channels_changed: bool,
    limits: &'a config::Decode,
}

impl Sink<'_> {
    fn frames(&self) -> u64 {
        self.planes.first().map_or(0, |p| p.len() as u64)
    }

    fn append(&mut self, chunk: &[Vec<f32>]) -> Result<(), DecodeErrorKind> {
        let frames = chunk.iter().map(Vec::len).min().unwrap_or(0);
        if frames == 0 {
            return Ok(());
        }
        if self.planes.is_empty() {
            check_size(self.leading, chunk.len(), self.sample_rate, self.limits)?;
            let silence = self.leading.saturating_sub(self.skip);
            self.skip = self.skip.saturating_sub(self.leading);
            self.planes = vec![vec![0.0; silence as usize]; chunk.len()];
        }
        if chunk.len() != self.planes.len() {
            self.channels_changed = true;
            // Mono from here on is heard from all channels; mono until here was.
            if let [mono] = self.planes.as_slice() {
                self.planes = vec![mono.clone(); chunk.len()];
            }
        }
        check_size(
            self.frames() + frames as u64,
            self.planes.len(),
            self.sample_rate,
            self.limits,
        )?;
        let from = self.skip.min(frames as u64) as usize;
        self.skip -= from as u64;
        self.taken += frames as u64;
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            let source = if let [mono] = chunk {
                Some(mono)
            } else {
                chunk.get(channel)
            };
            match source {
                Some(source) => plane.extend_from_slice(&source[from..frames]),
                None => plane.resize(plane.len() + frames - from, 0.0),
            }
        }
        Ok(())
    }

    fn silence(&mut self, frames: u64) -> Result<(), DecodeErrorKind> {
        let frames = frames.min(MAX_PACKET);
        if self.planes.is_empty() {
            self.leading += frames;
            self.taken += frames;
            return Ok(());
        }
        self.append(&vec![vec![0.0; frames as usize]; self.planes.len()])
    }
}

/// A second decoder, which tries the packets that the first refuses: after a switch between mono and stereo, that is
/// all of them.
struct Standby {
    decoder: Box<dyn AudioDecoder>,
    /// Packets in a row that it could decode.
    run: u32,
}

/// Packets in a row that must agree on a new layout before it is believed; a false sync in garbage gives one.
const STANDBY_RUN: u32 = 2;

pub(super) fn decode<R>(
    source: Source<'_, R>,
    extension: Option<&str>,
    edits: &Edits,
    limits: &config::Decode,
    progress: &dyn Progress,
) -> Result<Decoded, DecodeErrorKind>
where
    R: Read + Seek + Send + Sync,
{
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(Box::new(source), Default::default());
    // Pictures are not wanted.
    let metadata = MetadataOptions::default().limit_visual_bytes(Limit::Maximum(0));
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), metadata)
        .map_err(|e| match e {
            _ if progress.is_cancelled() => Cancelled.into(),
            SymphoniaError::Unsupported(_) => DecodeErrorKind::Unsupported("not an audio format that is known".into()),
            SymphoniaError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                DecodeErrorKind::Unsupported("not an audio format that is known, or cut off in its header".into())
            }
            e => error(e),
        })?;
    progress.check()?;
    let tags = tags(format.as_mut());
    let mut selected = select(format.as_ref())?;
    let mut decoder = make_decoder(&selected.params)?;
    let trim = trim(&selected, format.format_info().short_name, edits);
    let mut sink = Sink {
        planes: Vec::new(),
        sample_rate: 0,
        skip: trim.start,
        leading: 0,
        taken: 0,
        channels_changed: false,
        limits,
    };
    let mut warnings = Vec::new();
    let expected = selected.track.num_frames;
    let mut chunk = Vec::new();
    let mut bad = Bad::default();
    let mut standby: Option<Standby> = None;
    let mut count = 0u32;
    loop {
        progress.check()?;
        count = count.wrapping_add(1);
        if count.is_multiple_of(256)
            && let Some(expected) = expected.filter(|&n| n > 0)
        {
            progress.report(Stage::Decode, (sink.taken as f64 / expected as f64).min(1.0) as f32);
        }
        let next = format.next_packet();
        progress.check()?;
        let packet = match next {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(SymphoniaError::ResetRequired) => {
                // The next link of a chained stream.
                selected = select(format.as_ref())?;
                decoder = make_decoder(&selected.params)?;
                standby = None;
                continue;
            }
            Err(e) if sink.taken > 0 => {
                let at = sink.frames() as f64 / f64::from(sink.sample_rate.max(1));
                warnings.push(format!("decoding ended at {at:.1} s: {}", error(e)));
                break;
            }
            Err(e) => return Err(error(e)),
        };
        if packet.track_id != selected.id {
            continue;
        }
        let rate = match decoder.decode(&packet) {
            Ok(decoded) => {
                decoded.copy_to_vecs_planar(&mut chunk);
                decoded.spec().rate()
            }
            Err(SymphoniaError::IoError(_) | SymphoniaError::DecodeError(_) | SymphoniaError::ResetRequired) => {
                if let Some(ready) = retry(&mut standby, &selected, &packet) {
                    decoder = ready;
                }
                bad.count += 1;
                bad.run += 1;
                if bad.run > MAX_BAD_RUN {
                    break;
                }
                sink.silence(packet_frames(&packet, &selected))?;
                continue;
            }
            Err(e) if sink.taken > 0 => {
                warnings.push(format!("decoding ended early: {}", error(e)));
                break;
            }
            Err(e) => return Err(error(e)),
        };
        standby = None;
        bad.run = 0;
        if !RATES.contains(&rate) {
            return Err(DecodeErrorKind::Malformed(format!("a sample rate of {rate} Hz")));
        }
        if sink.sample_rate == 0 {
            sink.sample_rate = rate;
        } else if rate != sink.sample_rate {
            let (was, at) = (sink.sample_rate, sink.frames() as f64 / f64::from(sink.sample_rate));
            warnings.push(format!(
                "the sample rate changes from {was} to {rate} Hz at {at:.1} s; the rest is left out"
            ));
            break;
        }
        sink.append(&chunk)?;
    }
    if sink.planes.is_empty() && bad.count > 0 {
        return Err(DecodeErrorKind::Malformed(format!(
            "none of its {} packets could be decoded",
            bad.count
        )));
    }
    if bad.count > 0 {
        warnings.push(format!("{} damaged packets were replaced by silence", bad.count));
    }
    if sink.channels_changed {
        warnings.push("the number of channels changes in the middle".into());
    }
    finish(sink, trim, &selected, tags, warnings, progress)
}

#[derive(Default)]
struct Bad {
    count: u32,
    run: u32,
}

/// Gives a packet that was refused to the stand-by decoder; hands that over once it has understood enough of them.
fn retry(standby: &mut Option<Standby>, selected: &Selected, packet: &Packet) -> Option<Box<dyn AudioDecoder>> {
    if !is_mpeg_audio(selected.params.codec) {
        return None;
    }
    if standby.is_none() {
        *standby = make_decoder(&selected.params)
            .ok()
            .map(|decoder| Standby { decoder, run: 0 });
    }
    let second = standby.as_mut()?;
    match second.decoder.decode(packet) {
        Ok(_) => second.run += 1,
        Err(_) => {
            *standby = None;
            return None;
        }
    }
    if second.run < STANDBY_RUN {
        return None;
    }
    standby.take().map(|s| s.decoder)
}

/// How many frames a packet stands for.
fn packet_frames(packet: &Packet, selected: &Selected) -> u64 {
    let ticks = packet.block_dur().get();
    match (selected.tick, selected.params.sample_rate) {
        (Some(tick), Some(rate)) => (ticks as f64 * tick * f64::from(rate)).round() as u64,
        _ => ticks,
    }
}

fn finish(
    mut sink: Sink<'_>,
    trim: Trim,
    selected: &Selected,
    tags: Tags,
    mut warnings: Vec<String>,
    progress: &dyn Progress,
) -> Result<Decoded, DecodeErrorKind> {
    let track = &selected.track;
    if sink.planes.is_empty() {
        // A header without packets: no frames, of the kind that it announces.
        let channels = selected.params.channels.as_ref().map_or(1, |c| c.count()).max(1);
        sink.sample_rate = selected.params.sample_rate.unwrap_or(0);
        check_size(0, channels, sink.sample_rate, sink.limits)?;
        if !RATES.contains(&sink.sample_rate) {
            return Err(DecodeErrorKind::Malformed(format!(
                "no audio, and a sample rate of {} Hz",
                sink.sample_rate
            )));
        }
        sink.planes = vec![Vec::new(); channels];
    }
    let mut length = trim.length;
    let mpeg = is_mpeg_audio(selected.params.codec);
    if let (true, Some(delay), Some(padding), Some(frames)) = (mpeg, track.delay, track.padding, track.num_frames) {
        // Padding lies at the end of the file that the tag was written for; a file that was cut or joined since has
        // another end. Some encoders count the tag's own frame.
        let tagged = frames.saturating_add(u64::from(delay) + u64::from(padding));
        if sink.taken.abs_diff(tagged) <= 1152 {
            length = Some(sink.frames().saturating_sub(u64::from(padding)));
        }
    }
    // An MPEG header without a tag has only an estimate of its length.
    let announced = track.num_frames.filter(|_| !mpeg || track.delay.is_some());
    let silent = u64::from(track.delay.unwrap_or(0)) + u64::from(track.padding.unwrap_or(0));
    let announced = announced.map(|n| if mpeg { n.saturating_add(silent) } else { n });
    if let Some(missing) = announced.and_then(|n| n.checked_sub(sink.taken)).filter(|&n| n >= FEW) {
        let seconds = missing as f64 / f64::from(sink.sample_rate);
        warnings.push(format!("{seconds:.2} s fewer than its header says: cut off or damaged"));
    }
    if let Some(length) = length.and_then(|n| usize::try_from(n).ok()) {
        sink.planes.iter_mut().for_each(|p| p.truncate(length));
    }
    let mut meter = Meter::new(sink.planes.len());
    let mut damaged = 0;
    for (channel, plane) in sink.planes.iter_mut().enumerate() {
        damaged += repair(plane);
        meter.add(channel, plane);
        plane.shrink_to_fit();
    }
    warnings.extend(damage(damaged));
    let audio = AudioBuffer::new(sink.planes, sink.sample_rate)?;
    let status = meter.status(audio.frames(), audio.sample_rate());
    progress.report(Stage::Decode, 1.0);
    Ok(Decoded {
        audio,
        status,
        tags,
        lead_in: trim.lead_in,
        warnings,
    })
}

/// The first of each tag that any block of metadata has.
fn tags(format: &mut dyn FormatReader) -> Tags {
    let mut tags = Tags::default();
    let mut metadata = format.metadata();
    loop {
        if let Some(revision) = metadata.current() {
            let per_track = revision.per_track.iter().flat_map(|t| &t.metadata.tags);
            for tag in revision.media.tags.iter().chain(per_track) {
                let (slot, text) = match &tag.std {
                    Some(StandardTag::Artist(text)) => (&mut tags.artist, text),
                    Some(StandardTag::TrackTitle(text)) => (&mut tags.title, text),
                    Some(StandardTag::Album(text)) => (&mut tags.album, text),
                    _ => continue,
                };
                let text = text.trim();
                if slot.is_none() && !text.is_empty() {
                    *slot = Some(text.to_owned());
                }
            }
        }
        if metadata.is_latest() {
            return tags;
        }
        metadata.pop();
    }
}
