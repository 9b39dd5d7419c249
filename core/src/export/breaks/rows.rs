//! The tables of breaks. The first columns of each are the Python pipeline's, in its order.

use std::collections::BTreeMap;

use super::{Breaks, Planned};
use crate::drums::assemble;
use crate::drums::class::{Class, Drum};
use crate::export::manifest::LoopRecord;
use crate::export::meta;
use crate::export::table::{Cell, Table};

type Row = Vec<(String, Cell)>;

fn named<const N: usize>(cells: [(&str, Cell); N]) -> Row {
    cells.into_iter().map(|(n, c)| (n.to_owned(), c)).collect()
}

/// To a millionth: times within a break.
fn fine(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

/// To a thousandth: measurements that mean no more than that.
fn coarse(x: f32) -> f64 {
    (f64::from(x) * 1e3).round() / 1e3
}

/// A break's row.
pub(super) fn of_break(plan: &Breaks<'_>, planned: &Planned<'_>, cut: &LoopRecord) -> Row {
    let rate = f64::from(cut.sample_rate.max(1));
    let found = planned.item.found;
    let hits = planned.item.hits;
    let (start, end) = (
        cut.start_frame as f64 / rate,
        (cut.start_frame + cut.frames) as f64 / rate,
    );
    let ending = plan.ending();
    let files: Vec<String> = (0..hits.hits.len()).map(|i| planned.hit_file(i, ending)).collect();
    let mut classes: BTreeMap<Class, u32> = BTreeMap::new();
    for hit in &hits.hits {
        *classes
            .entry(hit.labels.first().copied().unwrap_or(Class::Silence))
            .or_default() += 1;
    }
    let classes: Vec<String> = classes.iter().map(|(c, n)| format!("{}={n}", c.label())).collect();
    let perc = plan.stems().then(|| planned.perc_file(ending));
    named([
        ("track_id", plan.source.folder.as_str().into()),
        ("break_index", planned.item.number.into()),
        ("start_time", start.into()),
        ("end_time", end.into()),
        ("duration", (cut.frames as f64 / rate).into()),
        ("loop_wav", cut.file.as_str().into()),
        ("perc_wav", perc.into()),
        ("num_hits", hits.hits.len().into()),
        ("hit_wavs", files.join(";").into()),
        ("break_score", coarse(found.score as f32).into()),
        ("ml_score", found.loop_score.into()),
        ("kind", found.kind.name().into()),
        ("bars", found.candidate.bars.into()),
        ("beats", found.candidate.beats.into()),
        ("beats_per_bar", meta::beats_per_bar(&found.candidate).into()),
        ("bpm", cut.bpm.into()),
        ("passage_start", fine(found.passage.start / rate).into()),
        ("passage_end", fine(found.passage.end / rate).into()),
        ("perc_to_total_rms", coarse(found.perc_to_total_rms).into()),
        ("hit_classes", classes.join(" ").into()),
        ("kit_pieces", planned.kit.pieces.len().into()),
        ("groove_mid", planned.midi().into()),
        ("hit_model", hits.model.as_deref().unwrap_or("rules").into()),
        ("grid_confidence", plan.grid.confidence.into()),
        ("sample_rate", cut.sample_rate.into()),
        ("start_frame", (cut.start_frame as usize).into()),
        ("frames", (cut.frames as usize).into()),
        ("crossfade_ms", coarse(cut.seam.crossfade_ms as f32).into()),
        ("gain_db", coarse(cut.gain_db as f32).into()),
        ("clipped_samples", (cut.clipped as usize).into()),
        ("source", plan.source.name.as_str().into()),
        ("audio_id", plan.track.id.to_string().into()),
    ])
}

/// The hits of a break, a row each; `start` is the frame of the track at which the break begins. Times are seconds from
/// there, and files are named from the break's own folder.
pub(super) fn of_hits(plan: &Breaks<'_>, planned: &Planned<'_>, start: usize) -> Table {
    let hits = planned.item.hits;
    let rate = f64::from(hits.sample_rate.max(1));
    let seconds = |frame: f64| fine((frame - start as f64) / rate);
    let ending = plan.ending();
    let local = |path: String| {
        let folder = format!("{}/", planned.folder);
        path.strip_prefix(&folder).map(str::to_owned).unwrap_or(path)
    };
    let notes: BTreeMap<usize, u8> = assemble::pieces(&planned.kit, hits)
        .into_iter()
        .map(|(cluster, piece)| (cluster.id, piece.note))
        .collect();
    let mut table = Table::default();
    for (i, hit) in hits.hits.iter().enumerate() {
        let class = hit.labels.first().copied().unwrap_or(Class::Silence);
        let labels: Vec<&str> = hit.labels.iter().map(|c| c.label()).collect();
        let d = &hit.description;
        let perc = plan.stems().then(|| local(planned.hit_perc_file(i, ending)));
        let picked = hits.clusters.get(hit.cluster).and_then(|c| c.picks.first()) == Some(&i);
        let mut row = named([
            ("hit_index", i.into()),
            ("start_s", seconds(hit.span.start).into()),
            ("end_s", seconds(hit.span.end).into()),
            ("peak_s", seconds(hit.onset).into()),
            ("hit_wav", local(planned.hit_file(i, ending)).into()),
            ("hit_perc_wav", perc.into()),
            ("bank_type", class.bank().into()),
            ("class_label", class.label().into()),
            ("confidence", coarse(hit.confidence).into()),
            ("feat_duration_s", fine(f64::from(d.duration)).into()),
            ("feat_rms", d.rms.into()),
            ("feat_centroid_mean", d.centroid.into()),
            ("feat_rolloff_mean", d.rolloff.into()),
            ("feat_flatness_mean", d.flatness.into()),
            ("feat_zcr_mean", d.zcr.into()),
            ("feat_harm_ratio", d.harm_ratio.into()),
            ("feat_perc_ratio", d.perc_ratio.into()),
            ("feat_f0_median", d.f0_median.into()),
            ("feat_f0_std", d.f0_std.into()),
            ("labels", labels.join("+").into()),
            ("cluster", hit.cluster.into()),
            ("picked", picked.into()),
            ("kit_note", notes.get(&hit.cluster).map(|n| u32::from(*n)).into()),
            ("level_db", coarse(hit.level).into()),
            ("onset_frame", hit.onset.into()),
            ("p_drum", coarse(hit.drum).into()),
        ]);
        for drum in Drum::ALL {
            row.push((
                format!("p_{}", drum.name()),
                coarse(hit.probabilities[drum.index()]).into(),
            ));
        }
        table.push(row);
    }
    if hits.hits.is_empty() {
        table = Table::new(["hit_index", "start_s", "end_s", "peak_s"]);
    }
    table
}

/// The clusters of a break, a row each: what `--relabel` reads back, where a person has changed `class_label`.
pub(super) fn of_clusters(plan: &Breaks<'_>, planned: &Planned<'_>) -> Table {
    let hits = planned.item.hits;
    let pieces = assemble::pieces(&planned.kit, hits);
    let mut table = Table::new(["track_id", "break_index", "cluster", "class_label"]);
    for cluster in &hits.clusters {
        let piece = pieces.iter().find(|(c, _)| c.id == cluster.id).map(|(_, p)| p);
        let confidence = cluster
            .hits
            .iter()
            .filter_map(|&i| hits.hits.get(i))
            .map(|h| h.confidence);
        let mean = confidence.sum::<f32>() / cluster.hits.len().max(1) as f32;
        let picks: Vec<String> = cluster
            .picks
            .iter()
            .map(|&i| format!("hit_{i:04}{}", plan.ending()))
            .collect();
        table.push(named([
            ("track_id", plan.source.folder.as_str().into()),
            ("break_index", planned.item.number.into()),
            ("cluster", cluster.id.into()),
            ("class_label", cluster.class.label().into()),
            ("num_hits", cluster.hits.len().into()),
            ("confidence", coarse(mean).into()),
            ("picks", picks.join(" ").into()),
            ("kit_piece", piece.map(|p| p.name.clone()).into()),
            ("kit_note", piece.map(|p| u32::from(p.note)).into()),
        ]));
    }
    table
}
