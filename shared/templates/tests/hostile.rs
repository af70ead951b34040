//! Templates that mean harm: each ends soon, with a text or a named error, and makes no more than it may.

use std::time::{Duration, Instant};

use hearth_templates::{Error, Limits, Template, Variables};
use proptest::prelude::*;

fn rendered(template: &str) -> Result<String, Error> {
    let limits = Limits::default();
    let message = Variables::of_message(r#"{"a":[1,2,{"b":"c"}],"s":"text","n":1.5}"#);
    Template::parse(template, &limits)?.render(&message, &limits)
}

/// Far above what any takes on a slow machine, far below what a bomb would.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn bombs_end_with_a_limit() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let doubling = "{% set a = a ~ a %}".repeat(60);
    let deep_value = "{% set ns = namespace(a=1) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}";
    let bombs = [
        "{{ 'x' * 999999999 }}".to_owned(),
        "{{ [0] * 99999999999 }}".to_owned(),
        "{{ range(999999999999) | list }}".to_owned(),
        "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}".to_owned(),
        format!("{{% set a = 'xxxxxxxx' %}}{doubling}{{{{ a }}}}"),
        format!(
            "{{% set a = [1] %}}{}{{{{ a }}}}",
            "{% set a = [a, a] %}".repeat(60)
        ),
        format!(
            "{{% set a = [1] %}}{}{{{{ a }}}}",
            "{% set a = a + a %}".repeat(60)
        ),
        deep_value.to_owned(),
        nested("{{ (", "1", ") }}", 1)
            .replace('(', &"(".repeat(9000))
            .replace(')', &")".repeat(9000)),
        format!("{{{{ {} }}}}", nested("[", "", "]", 9000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(6000)),
        format!("{{{{ {}1 }}}}", "-".repeat(9000)),
        format!("{{{{ 1{} }}}}", " + 1".repeat(6000)),
        format!("{{{{ 1{} }}}}", "|abs".repeat(6000)),
        format!("{{{{ a{} }}}}", ".b".repeat(9000)),
        format!("{{{{ 1{} }}}}", " if 1 else 1".repeat(2500)),
        nested("{% if 1 %}", "x", "{% endif %}", 1500),
        "{{ '%0999999999d' % 5 }}".to_owned(),
        "{{ 'x'.center(999999999) }}".to_owned(),
        "{{ '{:>999999999}'.format(1) }}".to_owned(),
        "{{ ('a' * 90000).replace('', 'x' * 90000) }}".to_owned(),
        "{{ (('a' * 5000) | list | map('string') | join('b' * 5000)) }}".to_owned(),
        "{{ ('a' * 3000) | regex_replace('(a*)*b', 'x') }}".to_owned(),
        "{{ ('a' * 30) | regex_match('(a|aa)+$b') }}".to_owned(),
        "{{ 'a' | regex_match('((a{1,900}){1,900}){1,900}') }}".to_owned(),
        format!("{{{{ 'a' | regex_match('{}') }}}}", nested("(", "a", ")*", 3000)),
        "{{ ('a\\n' * 9000) | indent(9000) }}".to_owned(),
        "{{ {'a': 'x' * 99999} | tojson(indent=99999999) }}".to_owned(),
        "{% for i in range(9000) %}{{ 'x' * 9000 }}{% endfor %}".to_owned(),
        "x".repeat(100_000),
    ];
    for bomb in bombs {
        let begun = Instant::now();
        let result = rendered(&bomb);
        let name: String = bomb.chars().take(60).collect();
        assert!(begun.elapsed() < SOON, "{name} took {:?}", begun.elapsed());
        match result {
            Err(error) => assert!(
                error.is_limit() || matches!(error, Error::Value(_)),
                "{name}: {error}"
            ),
            Ok(text) => panic!("{name} gave {} bytes", text.len()),
        }
    }
}

#[test]
fn what_a_template_writes_is_no_longer_than_it_may_be() {
    let limits = Limits {
        output_bytes: 10,
        ..Limits::default()
    };
    let template = Template::parse("{% for i in range(5) %}abc{% endfor %}", &limits).expect("a template");
    assert_eq!(
        template.render(&Variables::default(), &limits),
        Err(Error::OutputTooLong { limit: 10 })
    );
}

#[test]
fn a_payload_that_is_too_deep_is_no_json() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let limits = Limits::default();
    let template = Template::parse("{{ value_json is defined }}", &limits).expect("a template");
    assert_eq!(
        template.render(&Variables::of_message(&deep), &limits).as_deref(),
        Ok("False")
    );
}

#[test]
fn errors_say_what_is_missing() {
    for (template, text) in [
        ("{{ x.y }}", "'x' is undefined"),
        (
            "{{ value_json.nothing | is_defined }}",
            "'dict object' has no attribute 'nothing'",
        ),
        ("{{ value | nobody }}", "the filter `nobody` is not supported"),
        ("{{ now() }}", "`now` needs a running Home Assistant"),
        (
            "a\n{% if %}",
            "line 2 of the template: expected a value, found the end of the tag",
        ),
        (
            "{% macro a() %}{% endmacro %}",
            "the statement `macro` is not supported",
        ),
        (
            "{{ 'x' | float }}",
            "float got invalid input 'x' but no default was specified",
        ),
        ("{% if 1 %}", "line 1 of the template: `{% endif %}` is missing"),
    ] {
        assert_eq!(
            rendered(template).map_err(|error| error.to_string()),
            Err(text.to_owned())
        );
    }
}

/// Pieces that templates are made of, so that what is made by chance gets far.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: [&str; 74] = [
        "{{",
        "}}",
        "{%",
        "%}",
        "{%-",
        "-%}",
        "{#",
        "#}",
        " ",
        "if",
        "else",
        "elif",
        "endif",
        "for",
        "in",
        "endfor",
        "set",
        "endset",
        "with",
        "endwith",
        "filter",
        "endfilter",
        "raw",
        "endraw",
        "not",
        "and",
        "or",
        "is",
        "defined",
        "value",
        "value_json",
        ".a",
        ".s",
        ".n",
        "[0]",
        "[-1]",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "|",
        ",",
        ":",
        "=",
        "==",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "~",
        "'x'",
        "'%s%d'",
        "1",
        "0",
        "2.5",
        "9223372036854775807",
        "|int",
        "|float",
        "|round(1)",
        "|list",
        "|join(',')",
        "|map('upper')",
        "|select",
        "|tojson",
        "range(9)",
        "|regex_findall('a|(b)')",
        "|sort",
        ".split()",
        "|batch(2)",
    ];
    let piece = prop_oneof![
        9 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => "[ -~é\\n]{1,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

/// Filters and methods with arguments by chance.
fn calls() -> impl Strategy<Value = String> {
    const FILTERS: [&str; 60] = [
        "abs",
        "batch",
        "slice",
        "capitalize",
        "center",
        "default",
        "dictsort",
        "escape",
        "first",
        "last",
        "float",
        "int",
        "groupby",
        "indent",
        "items",
        "join",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "reverse",
        "round",
        "select",
        "selectattr",
        "sort",
        "string",
        "striptags",
        "sum",
        "title",
        "tojson",
        "trim",
        "truncate",
        "unique",
        "urlencode",
        "wordcount",
        "to_json",
        "from_json",
        "regex_replace",
        "regex_findall",
        "regex_match",
        "multiply",
        "log",
        "sqrt",
        "clamp",
        "wrap",
        "remap",
        "average",
        "median",
        "combine",
        "flatten",
        "intersect",
        "base64_encode",
        "base64_decode",
        "ordinal",
        "format",
    ];
    const METHODS: [&str; 16] = [
        "split",
        "replace",
        "strip",
        "zfill",
        "center",
        "format",
        "find",
        "partition",
        "join",
        "get",
        "keys",
        "items",
        "count",
        "index",
        "rsplit",
        "title",
    ];
    const VALUES: [&str; 22] = [
        "1",
        "0",
        "-1",
        "-9223372036854775807",
        "2.5",
        "1e308",
        "'x'",
        "''",
        "'a,b é'",
        "'%d %s'",
        "'(a'",
        "'{0} {x:>5}'",
        "none",
        "true",
        "[]",
        "[3, 1]",
        "[[1, 2], 'a']",
        "{'a': 1}",
        "value_json",
        "value_json.a",
        "missing",
        "(1, 2)",
    ];
    let value = || prop::sample::select(VALUES.to_vec());
    let arguments = || prop::collection::vec(value(), 0..5).prop_map(|values| values.join(", "));
    let filter = (value(), prop::sample::select(FILTERS.to_vec()), arguments())
        .prop_map(|(value, filter, arguments)| format!("{{{{ {value} | {filter}({arguments}) }}}}"));
    let method = (value(), prop::sample::select(METHODS.to_vec()), arguments())
        .prop_map(|(value, method, arguments)| format!("{{{{ {value}.{method}({arguments}) }}}}"));
    let operator = (value(), "(\\+|-|\\*|/|//|%|\\*\\*|~|==|<|in|and)", value())
        .prop_map(|(left, operator, right)| format!("{{{{ {left} {operator} {right} }}}}"));
    let slice = (value(), value(), value(), value())
        .prop_map(|(of, start, stop, step)| format!("{{{{ {of}[{start}:{stop}:{step}] }}}}"));
    let test = (
        value(),
        "(odd|even|lower|in|divisibleby|sameas|gt|mapping)",
        value(),
    )
        .prop_map(|(value, test, argument)| format!("{{{{ {value} is {test}({argument}) }}}}"));
    prop_oneof![4 => filter, 2 => method, 2 => operator, 1 => slice, 1 => test]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn no_text_panics(template in pieces()) {
        let _ = rendered(&template);
    }

    #[test]
    fn no_call_panics(template in calls()) {
        let _ = rendered(&template);
    }

    #[test]
    fn no_pattern_panics(pattern in "[ab()|*+?{}1,\\[\\]^$.\\\\dw:=!<>P-]{0,24}", text in "[ab1 ]{0,12}") {
        let template = "{{ value_json.t | regex_findall(value_json.p) }}{{ value_json.t | regex_replace(value_json.p, '-') }}";
        let limits = Limits::default();
        let message = format!("{{\"t\":{text:?},\"p\":{pattern:?}}}");
        let _ = Template::parse(template, &limits)
            .and_then(|template| template.render(&Variables::of_message(&message), &limits));
    }
}
