//! A payload that is a picture: only formats of pixels, never one that can hold scripts.

use std::rc::Rc;

use hearth_model::payload::{ImageFormat, image_format};
use yew::prelude::*;

use crate::{components::words, platform::files};

/// The media type by the first bytes, of the formats that are shown.
pub(crate) fn media_type(payload: &[u8]) -> Option<&'static str> {
    match image_format(payload)? {
        format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::Webp) => {
            Some(format.media_type())
        }
        ImageFormat::Bmp | ImageFormat::Avif => None,
    }
}

/// What [`PayloadImage`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct PayloadImageProps {
    pub(crate) payload: Rc<[u8]>,
}

/// The picture, from an address that lives as long as it is shown.
#[component]
pub(crate) fn PayloadImage(props: &PayloadImageProps) -> Html {
    let address = use_state(|| None::<String>);
    {
        let address = address.clone();
        use_effect_with(props.payload.clone(), move |payload| {
            let made = media_type(payload).and_then(|media_type| files::address(payload, media_type));
            address.set(made.clone());
            move || {
                if let Some(made) = made {
                    files::forget_address(&made);
                }
            }
        });
    }
    let alt = format!("Picture of {}", words::bytes(props.payload.len() as u64));
    html! {
        <p class="viewer__note">
            if let Some(address) = &*address { <img class="viewer__image" src={address.clone()} {alt} /> }
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_pixels_are_shown_and_nothing_else() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            b"BM....\0\0\0\0",
            b"<html>",
            b"",
        ] {
            assert_eq!(media_type(other), None);
        }
    }
}
