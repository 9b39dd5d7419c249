//! Has `cargo test` build the extension, with the features that the workspace's other tests have: `cargo xtask python` makes
//! a wheel of that, and nothing is built twice. What it does is tested from Python.

#[test]
fn the_extension_is_built_beside_the_tests() {
    let file = format!(
        "{}_loopwright{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let test = std::env::current_exe().unwrap();
    let found = test
        .ancestors()
        .skip(1)
        .take(1)
        .find(|folder| folder.join(&file).is_file());
    assert!(found.is_some(), "no {file} beside {}", test.display());
}
