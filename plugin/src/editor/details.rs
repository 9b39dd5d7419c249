//! What a tooltip says of a suggestion.

use egui::Ui;

use super::{list, rows, theme};
use crate::snapshot::Item;

/// All that is known of a suggestion, for tooltips.
pub(crate) fn show(ui: &mut Ui, item: &Item, ahead: &rows::Ahead) {
    ui.set_max_width(300.0);
    ui.label(
        egui::RichText::new(&item.title)
            .font(theme::bold(13.0))
            .color(theme::TEXT),
    );
    let mut facts = vec![theme::name(item.kind).to_owned()];
    facts.extend(item.class.clone());
    if item.bars > 0.0 {
        facts.push(list::bars_words(item.bars));
    }
    if item.bpm > 0.0 && item.bpm.is_finite() {
        facts.push(format!("{:.1} BPM", item.bpm));
    }
    facts.extend(item.key.clone());
    facts.push(format!("score {:.0} of 100", rows::score(item) * 100.0));
    if ahead.favourite(item) {
        facts.push("favourite".into());
    }
    ui.label(egui::RichText::new(facts.join(" · ")).color(theme::colour(item.kind)));
    for reason in item.reasons.iter().take(4) {
        ui.label(egui::RichText::new(reason).color(theme::MUTED));
    }
    ui.label(
        egui::RichText::new("Click to hear it. Drag it into your timeline.")
            .small()
            .color(theme::MUTED),
    );
}
