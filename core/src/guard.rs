//! Text in tables that spreadsheets open.
//!
//! A field that begins like a formula is run as one by a spreadsheet, so an apostrophe is put before it when it is written
//! (OWASP ASVS 1.2.10) and taken off when it is read back.

use std::borrow::Cow;

/// Text with an apostrophe before a first character that makes a spreadsheet read a formula. Text that has one there itself
/// gets another, so that [`undisarmed`] gives back what was written, whatever it was.
pub fn guarded(text: &str) -> Cow<'_, str> {
    match text.trim_start_matches('\'').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠') => {
            format!("'{text}").into()
        }
        _ => text.into(),
    }
}

/// Text of a CSV field as it was before it was guarded.
pub fn undisarmed(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(text) if guarded(text) != text => text,
        _ => field,
    }
}
