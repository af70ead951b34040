//! A WebSocket as a browser opens it.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Bytes, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

pub(crate) struct Browser<S = TcpStream> {
    pub(crate) socket: WebSocketStream<S>,
}

/// Opens `/mqtt`.
pub(crate) async fn open(bridge: SocketAddr) -> Browser {
    open_at(bridge, "/mqtt").await
}

pub(crate) async fn open_at(bridge: SocketAddr, path: &str) -> Browser {
    open_with(bridge, path, &[]).await
}

/// Opens it with more headers.
pub(crate) async fn open_with(bridge: SocketAddr, path: &str, more: &[(&'static str, &str)]) -> Browser {
    let tcp = TcpStream::connect(bridge).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let origin = format!("http://{bridge}");
    let headers = [&[("Origin", origin.as_str())], more].concat();
    open_over(tcp, &format!("ws://{bridge}{path}"), &headers).await
}

/// Opens a WebSocket over a stream that is there.
pub(crate) async fn open_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    url: &str,
    more: &[(&'static str, &str)],
) -> Browser<S> {
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    for (name, value) in more {
        headers.insert(*name, value.parse().unwrap());
    }
    headers.insert("Sec-WebSocket-Protocol", "mqtt".parse().unwrap());
    let (socket, response) = client_async(request, stream)
        .await
        .expect("the bridge lets the browser in");
    assert_eq!(response.headers().get("Sec-WebSocket-Protocol").unwrap(), "mqtt");
    Browser { socket }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Browser<S> {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.socket
            .send(Message::Binary(Bytes::copy_from_slice(bytes)))
            .await
            .unwrap();
    }

    /// The next binary frame.
    pub(crate) async fn receive(&mut self) -> Bytes {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    assert!(!bytes.is_empty(), "an empty frame");
                    return bytes;
                }
                Some(Ok(Message::Pong(_))) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// Reads on until the bridge closes, and says with what.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                    return (code.into(), reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    }

    /// Closes as a page does, and waits until the bridge has agreed.
    pub(crate) async fn close(mut self) {
        // The bridge may have closed already.
        let _sent = self
            .socket
            .close(Some(CloseFrame {
                code: CloseCode::Normal,
                reason: "".into(),
            }))
            .await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}
