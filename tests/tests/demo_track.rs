//! The track that ships with the project is the one that the code makes.

use std::path::Path;

use loopwright_tests::demo;

#[test]
fn the_demo_is_what_make_demo_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo/loopwright-demo.flac");
    assert!(std::fs::metadata(&path).unwrap().len() < 8_000_000);
    let mut reader = flac_codec::decode::FlacSampleReader::open(&path).unwrap();
    let mut shipped = Vec::new();
    reader.read_to_end(&mut shipped).unwrap();
    let song = demo::song().build();
    assert_eq!(shipped.len(), 2 * song.audio.frames());
    let mut worst = 0.0f64;
    for (i, plane) in song.audio.planes().iter().enumerate() {
        for (x, &y) in plane.iter().zip(shipped[i..].iter().step_by(2)) {
            worst = worst.max((f64::from(*x) * 32_767.0 - f64::from(y)).abs());
        }
    }
    // Rounding and dither move a sample by up to 1.5 steps; the rest is for another machine's mathematics.
    assert!(worst < 4.0, "differs by {worst} of 32768 steps");
}

#[test]
fn the_demo_has_something_for_every_detector() {
    let truth = demo::song().build().truth;
    assert!((75.0..100.0).contains(&truth.dur));
    assert_eq!(truth.breaks.len(), 1);
    assert_eq!(truth.drumless.len(), 2);
    assert!(truth.sections.iter().any(|s| s.fill_last_bar) && truth.sections.iter().any(|s| s.riser));
    for bars in [2, 4, 8] {
        assert!(truth.true_loops.iter().any(|l| l.bars == bars), "a loop of {bars} bars");
    }
}
