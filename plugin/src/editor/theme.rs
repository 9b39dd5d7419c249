//! Colours, letters and distances.

use egui::{Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, Theme, Visuals};

use crate::snapshot::{ItemKind, Severity};

/// Behind everything.
pub(crate) const GROUND: Color32 = Color32::from_rgb(0x12, 0x14, 0x18);
/// Bars and sheets.
pub(crate) const PANEL: Color32 = Color32::from_rgb(0x1a, 0x1d, 0x23);
/// Buttons.
pub(crate) const RAISED: Color32 = Color32::from_rgb(0x26, 0x2a, 0x33);
/// Buttons under the pointer.
pub(crate) const HOVER: Color32 = Color32::from_rgb(0x32, 0x38, 0x44);
/// Selected rows.
pub(crate) const CHOSEN: Color32 = Color32::from_rgb(0x2b, 0x3a, 0x4d);
/// Lines between things.
pub(crate) const LINE: Color32 = Color32::from_rgb(0x2e, 0x33, 0x3d);
/// Words.
pub(crate) const TEXT: Color32 = Color32::from_rgb(0xe8, 0xeb, 0xf0);
/// Words of less weight.
pub(crate) const MUTED: Color32 = Color32::from_rgb(0xa4, 0xad, 0xbb);
/// What is switched on, and the playhead.
pub(crate) const ACCENT: Color32 = Color32::from_rgb(0x8a, 0xbd, 0xff);
/// Favourites.
pub(crate) const STAR: Color32 = Color32::from_rgb(0xf5, 0xcf, 0x57);
/// Warnings.
pub(crate) const WARNING: Color32 = Color32::from_rgb(0xf2, 0xb1, 0x4e);
/// Errors.
pub(crate) const ERROR: Color32 = Color32::from_rgb(0xff, 0x86, 0x80);
/// Capturing.
pub(crate) const RECORD: Color32 = Color32::from_rgb(0xff, 0x6b, 0x6b);
/// The waveform, analysed and not yet.
pub(crate) const WAVE: Color32 = Color32::from_rgb(0x8f, 0x9b, 0xb0);
/// What has not been analysed yet.
pub(crate) const WAVE_NEW: Color32 = Color32::from_rgb(0x5c, 0x65, 0x76);

/// The colour of a kind. Never its only sign: [`super::icons::kind`] draws its shape.
pub(crate) fn colour(kind: ItemKind) -> Color32 {
    match kind {
        ItemKind::Loop => Color32::from_rgb(0x52, 0xc7, 0xc4),
        ItemKind::Break => Color32::from_rgb(0xf4, 0xa2, 0x61),
        ItemKind::OneShot => Color32::from_rgb(0xc0, 0xa1, 0xf5),
        ItemKind::Quiet => Color32::from_rgb(0x97, 0xd0, 0x7f),
    }
}

/// What one of a kind is called.
pub(crate) fn name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Loop => "Loop",
        ItemKind::Break => "Break",
        ItemKind::OneShot => "One-shot",
        ItemKind::Quiet => "Quiet loop",
    }
}

/// What the list of a kind is called.
pub(crate) fn plural(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Loop => "Loops",
        ItemKind::Break => "Breaks",
        ItemKind::OneShot => "One-shots",
        ItemKind::Quiet => "Quiet",
    }
}

/// The colour of a message.
pub(crate) fn severity(severity: Severity) -> Color32 {
    match severity {
        Severity::Info => MUTED,
        Severity::Warning => WARNING,
        Severity::Error => ERROR,
    }
}

/// Letters of `size` points.
pub(crate) fn plain(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Bold letters of `size` points.
pub(crate) fn bold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("bold".into()))
}

/// A colour mixed into what is behind it: 0 is `behind`, 1 is `front`.
pub(crate) fn mix(behind: Color32, front: Color32, part: f32) -> Color32 {
    behind.lerp_to_gamma(front, part.clamp(0.0, 1.0))
}

/// Puts fonts and style into the context; once, before the first frame.
pub(crate) fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    let faces: [(&str, &'static [u8]); 2] = [
        (
            "plain",
            include_bytes!("../../../core/assets/fonts/DejaVuSans-subset.ttf"),
        ),
        (
            "bold",
            include_bytes!("../../../core/assets/fonts/DejaVuSans-Bold-subset.ttf"),
        ),
    ];
    for (name, bytes) in faces {
        fonts
            .font_data
            .insert(name.to_owned(), FontData::from_static(bytes).into());
    }
    let rest = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let family = |first: &str| {
        let mut list = vec![first.to_owned()];
        list.extend(rest.iter().cloned());
        list
    };
    fonts.families.insert(FontFamily::Proportional, family("plain"));
    fonts.families.insert(FontFamily::Name("bold".into()), family("bold"));
    ctx.set_fonts(fonts);
    ctx.set_theme(Theme::Dark);
    // The window's own shortcuts, so that the zoom is remembered.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.all_styles_mut(style);
}

fn style(style: &mut egui::Style) {
    use egui::TextStyle;
    style.text_styles = [
        (TextStyle::Small, plain(10.5)),
        (TextStyle::Body, plain(12.0)),
        (TextStyle::Button, plain(12.0)),
        (TextStyle::Heading, bold(15.0)),
        (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
    ]
    .into();
    style.spacing.item_spacing = egui::vec2(8.0, 6.0);
    style.spacing.button_padding = egui::vec2(8.0, 3.0);
    style.spacing.interact_size.y = 24.0;
    style.spacing.tooltip_width = 320.0;
    style.spacing.scroll.floating = true;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.5;
    let mut visuals = Visuals::dark();
    visuals.panel_fill = GROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = GROUND;
    visuals.faint_bg_color = PANEL;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(MUTED);
    visuals.selection.bg_fill = CHOSEN;
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    visuals.warn_fg_color = WARNING;
    visuals.error_fg_color = ERROR;
    let corner = CornerRadius::same(4);
    visuals.menu_corner_radius = CornerRadius::same(6);
    for (widget, fill, words) in [
        (&mut visuals.widgets.noninteractive, PANEL, TEXT),
        (&mut visuals.widgets.inactive, RAISED, TEXT),
        (&mut visuals.widgets.hovered, HOVER, TEXT),
        (&mut visuals.widgets.active, CHOSEN, TEXT),
        (&mut visuals.widgets.open, HOVER, TEXT),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, LINE);
        widget.fg_stroke = Stroke::new(1.0, words);
        widget.corner_radius = corner;
        widget.expansion = 0.0;
    }
    style.visuals = visuals;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_are_readable() {
        let grounds = [GROUND, PANEL, RAISED, HOVER, CHOSEN];
        for ground in grounds {
            for words in [TEXT, MUTED, WARNING, ERROR, STAR, ACCENT] {
                let ratio = contrast(ground, words);
                assert!(ratio >= 4.5, "{words:?} on {ground:?}: {ratio:.2}");
            }
            for kind in ItemKind::ALL {
                let ratio = contrast(ground, colour(kind));
                assert!(ratio >= 4.5, "{kind:?} on {ground:?}: {ratio:.2}");
            }
        }
        // Shapes need 3.
        assert!(contrast(GROUND, WAVE_NEW) >= 3.0);
    }

    #[test]
    fn digits_are_of_one_width_and_every_sign_is_there() {
        let ctx = Context::default();
        install(&ctx);
        ctx.run_ui(egui::RawInput::default(), |_| {}).textures_delta.clear();
        ctx.fonts_mut(|fonts| {
            for font in [plain(12.0), bold(12.0)] {
                let zero = fonts.glyph_width(&font, '0');
                for digit in '1'..='9' {
                    assert_eq!(fonts.glyph_width(&font, digit), zero);
                }
                let missing: Vec<char> = "×÷−–…·’‹›≥½↑↓♯♭"
                    .chars()
                    .filter(|&sign| !fonts.has_glyph(&font, sign))
                    .collect();
                assert!(missing.is_empty(), "{font:?} lacks {missing:?}");
            }
        });
    }
}
