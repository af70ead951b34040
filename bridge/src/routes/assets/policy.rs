//! The Content-Security-Policy of the page: strict, without `unsafe-inline`.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest, Sha256};

/// The policy for everything in the page's folder; Workers live by that of their own script. Inline scripts of `html` are
/// allowed by their hashes: Trunk writes one that starts the page.
pub(super) fn content_security_policy(html: Option<&str>) -> String {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for script in html.map(inline_scripts).unwrap_or_default() {
        let _never_fails = write!(scripts, " 'sha256-{}'", BASE64.encode(Sha256::digest(script)));
    }
    // The page may speak straight to any broker, so it may connect anywhere; it may load nothing from elsewhere.
    format!(
        "default-src 'none'; script-src {scripts}; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
         manifest-src 'self'; connect-src 'self' ws: wss: http: https:; form-action 'self'; object-src 'none'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// What stands between `<script …>` and `</script>`, exactly, where no `src` is given.
fn inline_scripts(html: &str) -> Vec<&str> {
    let lower = html.to_ascii_lowercase();
    let mut scripts = Vec::new();
    let mut at = 0;
    while let Some(found) = lower.get(at..).and_then(|rest| rest.find("<script")) {
        let tag_start = at + found + "<script".len();
        let Some(tag_len) = lower.get(tag_start..).and_then(tag_end) else {
            break;
        };
        let (tag, body_start) = (
            lower.get(tag_start..tag_start + tag_len).unwrap_or_default(),
            tag_start + tag_len + 1,
        );
        let Some(body_len) = lower.get(body_start..).and_then(|rest| rest.find("</script")) else {
            break;
        };
        let has_src = tag
            .split_ascii_whitespace()
            .any(|part| part == "src" || part.starts_with("src="));
        let body = html.get(body_start..body_start + body_len).unwrap_or_default();
        if !has_src && !body.is_empty() {
            scripts.push(body);
        }
        at = body_start + body_len;
    }
    scripts
}

/// Where the tag is closed: the first `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_found_as_a_browser_finds_them() {
        let html = "<html><script src=\"a.js\"></script><SCRIPT type='module' data-x=\"a>b\">\nimport 1;\n</SCRIPT>\
            <script nonce=x src=b.js>not this</script><script></script><script>two()</script>";
        assert_eq!(inline_scripts(html), ["\nimport 1;\n", "two()"]);
        assert_eq!(inline_scripts("<script>never closed"), Vec::<&str>::new());
    }

    #[test]
    fn the_policy_names_the_hash_of_each_inline_script() {
        // printf 'alert("hi")' | openssl dgst -sha256 -binary | openssl base64
        let policy = content_security_policy(Some("<script>alert(\"hi\")</script>"));
        let hash = BASE64.encode(Sha256::digest("alert(\"hi\")"));
        assert!(
            policy.contains(&format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}';")),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline"));
    }
}
