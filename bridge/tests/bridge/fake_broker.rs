//! The broker's side of a connection, byte by byte.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A CONNECT of 3.1.1 with the client id `t`.
pub(crate) const CONNECT: &[u8] = &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, b't'];

pub(crate) struct FakeBroker {
    listener: TcpListener,
}

impl FakeBroker {
    pub(crate) async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        let (tcp, _) = self.listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp
    }

    /// Accepts, and takes the CONNECT.
    pub(crate) async fn accept_connect(&self) -> TcpStream {
        let mut tcp = self.accept().await;
        assert_eq!(read(&mut tcp, CONNECT.len()).await, CONNECT);
        tcp
    }
}

pub(crate) async fn read(tcp: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    tcp.read_exact(&mut bytes).await.unwrap();
    bytes
}

pub(crate) async fn write(tcp: &mut TcpStream, bytes: &[u8]) {
    tcp.write_all(bytes).await.unwrap();
}
