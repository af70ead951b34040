//! However the streams are cut, the outcome is the same, and nothing gets through that may not.

use proptest::prelude::*;

use super::fuzzed;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_script_under_any_policy_has_one_outcome_however_it_is_cut(
        script in proptest::collection::vec(any::<u8>(), 0..400)
    ) {
        fuzzed::gate(&script);
    }
}
