//! Rendering without a browser.

use yew::{BaseComponent, LocalServerRenderer};

/// The HTML of a component; futures of the renderer are ready at once without suspense.
pub(crate) fn render<C>(props: C::Properties) -> String
where
    C: BaseComponent,
    C::Properties: Clone,
{
    let future = LocalServerRenderer::<C>::with_props(props)
        .hydratable(false)
        .render();
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..10_000 {
        if let std::task::Poll::Ready(html) = future.as_mut().poll(&mut context) {
            return html;
        }
    }
    panic!("rendering did not end");
}
