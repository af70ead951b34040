//! What fuzzing found, as `cargo xtask fuzz TARGET --keep` writes it: an input a line, two digits a byte.

/// All inputs for one fuzz target.
pub(crate) fn inputs(target: &str) -> Vec<Vec<u8>> {
    let file = format!("{}/../../fuzz/replay/{target}.hex", env!("CARGO_MANIFEST_DIR"));
    let lines = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let byte = |at: usize, line: &str| {
        line.get(at..at + 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .unwrap_or_else(|| panic!("{file}: not a byte at {at} of {line}"))
    };
    lines
        .lines()
        .map(|line| (0..line.len()).step_by(2).map(|at| byte(at, line)).collect())
        .collect()
}
