//! Why does this WebSocket not open? Browsers only say 1006, so we look ourselves: does anything answer HTTP there, and
//! does a WebSocket open on the paths that brokers use?

use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, RequestCache, RequestCredentials, RequestInit, RequestMode, WebSocket,
};

use super::{address::Address, input::Findings};

/// How long each question may take, ms.
const PATIENCE_MS: u32 = 2_000;
/// Paths that brokers use, the most usual first.
const USUAL_PATHS: [&str; 3] = ["/mqtt", "/ws", "/"];

/// Looks at host, port and path of `url`.
pub(super) async fn look(url: &str) -> Findings {
    let mut findings = Findings {
        url: url.to_owned(),
        ..Findings::default()
    };
    let Ok(address) = Address::parse(url) else {
        return findings;
    };
    findings.answers_http = answers_http(&address.http()).await;
    if !findings.answers_http {
        return findings;
    }
    let plain = Attempt::start(url, false);
    let others: Vec<_> = USUAL_PATHS
        .into_iter()
        .filter(|path| *path != address.path)
        .map(|path| (path, Attempt::start(&address.with_path(path).to_string(), true)))
        .collect();
    findings.opens_without_mqtt = plain.opened().await;
    for (path, attempt) in others {
        if attempt.opened().await && findings.works_at_path.is_none() {
            findings.works_at_path = Some(path.to_owned());
        }
    }
    findings
}

/// Any answer will do; the browser does not show it to us anyway.
async fn answers_http(url: &str) -> bool {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        return false;
    };
    let request = RequestInit::new();
    request.set_mode(RequestMode::NoCors);
    request.set_cache(RequestCache::NoStore);
    request.set_credentials(RequestCredentials::Omit);
    within_patience(scope.fetch_with_str_and_init(url, &request))
        .await
        .is_some_and(|answer| !answer.is_undefined())
}

/// A WebSocket that is opened only to see whether it opens.
struct Attempt {
    socket: Option<WebSocket>,
    opened: Promise,
}

impl Attempt {
    fn start(url: &str, with_mqtt: bool) -> Self {
        let socket = if with_mqtt {
            WebSocket::new_with_str(url, "mqtt")
        } else {
            WebSocket::new(url)
        }
        .ok();
        let opened = Promise::new(&mut |resolve, _| match &socket {
            Some(socket) => {
                socket.set_onopen(Some(&resolving(&resolve, true)));
                socket.set_onclose(Some(&resolving(&resolve, false)));
            }
            None => {
                let _ = resolve.call1(&JsValue::NULL, &JsValue::FALSE);
            }
        });
        Self { socket, opened }
    }

    async fn opened(self) -> bool {
        let opened = within_patience(self.opened.clone())
            .await
            .is_some_and(|opened| opened.is_truthy());
        if let Some(socket) = &self.socket {
            socket.set_onopen(None);
            socket.set_onclose(None);
            let _ = socket.close();
        }
        opened
    }
}

fn resolving(resolve: &Function, answer: bool) -> Function {
    let resolve = resolve.clone();
    let resolving = Closure::once_into_js(move || {
        let _ = resolve.call1(&JsValue::NULL, &JsValue::from_bool(answer));
    });
    resolving.unchecked_into()
}

/// What the promise gives, `None` if it fails or takes too long.
async fn within_patience(promise: Promise) -> Option<JsValue> {
    let too_long = Promise::new(&mut |resolve, _| {
        gloo_timers::callback::Timeout::new(PATIENCE_MS, move || {
            let _ = resolve.call0(&JsValue::NULL);
        })
        .forget();
    });
    JsFuture::from(Promise::race(&Array::of2(&promise, &too_long)))
        .await
        .ok()
}
