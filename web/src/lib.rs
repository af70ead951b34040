//! The page: an engine in a Web Worker and the Yew views, joined by [`wire`].

pub mod wire;
