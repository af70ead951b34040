//! A WebSocket as a browser opens it.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Bytes, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

pub(crate) struct Browser {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

/// Opens `/mqtt`.
pub(crate) async fn open(bridge: SocketAddr) -> Browser {
    open_at(bridge, "/mqtt").await
}

pub(crate) async fn open_at(bridge: SocketAddr, path: &str) -> Browser {
    let mut request = format!("ws://{bridge}{path}").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("Origin", format!("http://{bridge}").parse().unwrap());
    headers.insert("Sec-WebSocket-Protocol", "mqtt".parse().unwrap());
    let tcp = TcpStream::connect(bridge).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let (socket, response) = client_async(request, tcp)
        .await
        .expect("the bridge lets the browser in");
    assert_eq!(response.headers().get("Sec-WebSocket-Protocol").unwrap(), "mqtt");
    Browser { socket }
}

impl Browser {
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
