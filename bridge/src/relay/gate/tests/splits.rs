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

/// Found by fuzzing: a PUBLISH of QoS 2 that is refused and a packet that is none, in one read, in 3.1.1.
#[test]
fn the_answer_to_what_came_before_a_broken_packet_goes_out_however_both_came() {
    fuzzed::gate(
        b"\x00\x00\x65\x00\x00\x00\x02\x00\x01\x02\x03\x04\x01\xc5\xd7\x14\x84\xf8\xcf\x9b\xf4\xf8\x35\x35\
      \x35\x35\x35\x00\x01\x02\x03\x04\x01\x79\x42\xf2\xbd\x33\xb5\xde\xa1\x68\xf4\x1f\x2f\xcc\xe2\x85\
      \xa6\x07\x20\x61\xf5\x6b\xf8\xf8\xf8\xf8\xf8\xf8\xf8\x6b\x1f\x0b",
    );
}
