//! Short packets written byte by byte.

pub(crate) fn text(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes()[..], text].concat()
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first, u8::try_from(body.len()).unwrap()][..], body].concat()
}
