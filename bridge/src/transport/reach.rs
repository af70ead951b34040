//! From the name of a broker to a TCP connection: asks for its addresses, and tries them as browsers do (RFC 8305).

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpStream, sync::Semaphore, task::JoinSet, time::sleep};

use crate::config::BrokerAddress;

/// How long an address may say nothing before the next one is tried beside it. A name may have one that leads nowhere.
const HEAD_START: Duration = Duration::from_millis(250);

/// Questions for one name at a time. Each takes a thread, for as long as the system waits for its name servers, and these threads
/// also check passwords and read tokens.
const LOOKUPS: usize = 4;

/// Where one broker is.
pub(super) struct Reach {
    address: BrokerAddress,
    lookups: Arc<Semaphore>,
}

impl Reach {
    pub(super) fn new(address: BrokerAddress) -> Self {
        Self {
            address,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    pub(super) fn address(&self) -> &BrokerAddress {
        &self.address
    }

    /// The addresses of its name, best first; the caller bounds the time.
    pub(super) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self.address.host.parse::<IpAddr>() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, self.address.port)]),
            Err(_) => self.look_up().await,
        }
    }

    async fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let BrokerAddress { host, port } = self.address.clone();
        let asked = tokio::task::spawn_blocking(move || {
            // Until the system has answered, whether or not somebody still waits for it.
            let _permit = permit;
            (host.as_str(), port).to_socket_addrs().map(Iterator::collect)
        });
        asked.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// A connection to the first that takes one: the others are given up when one has answered.
pub(super) async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    if let [address] = addresses[..] {
        return TcpStream::connect(address).await;
    }
    let mut addresses = addresses.into_iter();
    let mut tries = JoinSet::new();
    let mut fault = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.next() {
            tries.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            tried = tries.join_next() => match tried {
                Some(Ok(Ok(tcp))) => return Ok(tcp),
                Some(Ok(Err(error))) => fault = error,
                Some(Err(error)) => fault = io::Error::other(error),
                None => return Err(fault),
            },
            () = sleep(HEAD_START), if addresses.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use socket2::{Domain, Socket, Type};
    use tokio::time::timeout;

    use super::*;
    use crate::transport::{DialError, Dialer};

    const DEADLINE: Duration = Duration::from_secs(10);

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Nobody listens there.
    fn closed() -> SocketAddr {
        listener().1
    }

    /// An address that answers nothing: its queue is full, and nobody takes from it.
    async fn silent() -> (Socket, Vec<JoinSet<io::Result<TcpStream>>>, SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let mut queue = Vec::new();
        for _ in 0..64 {
            let mut waiting = JoinSet::new();
            waiting.spawn(TcpStream::connect(address));
            let taken = timeout(Duration::from_millis(200), waiting.join_next()).await;
            let is_full = taken.is_err();
            if let Ok(Some(Ok(Ok(tcp)))) = taken {
                waiting.spawn(async { Ok(tcp) });
            }
            queue.push(waiting);
            if is_full {
                return (socket, queue, address);
            }
        }
        panic!("the queue is never full");
    }

    #[tokio::test]
    async fn an_address_that_says_nothing_or_no_holds_nobody_up() {
        let (_socket, _queue, silent) = silent().await;
        let (_listener, open) = listener();
        for addresses in [
            vec![silent, open],
            vec![closed(), open],
            vec![silent, closed(), silent, open],
        ] {
            let told = format!("{addresses:?}");
            let tcp = timeout(DEADLINE, first_of(addresses)).await.expect(&told);
            assert_eq!(tcp.unwrap().peer_addr().unwrap(), open, "{told}");
        }
    }

    #[tokio::test]
    async fn where_nobody_answers_the_reason_is_told() {
        let refused = first_of(vec![closed(), closed()]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(
            first_of(Vec::new()).await.unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[tokio::test]
    async fn name_servers_that_do_not_answer_are_told_from_a_broker_that_does_not() {
        let (_socket, _queue, silent) = silent().await;
        let wait = Duration::from_millis(50);
        let dialer = |host: &str| {
            let address = BrokerAddress {
                host: host.into(),
                port: silent.port(),
            };
            Dialer::new(address, None).unwrap()
        };
        let by_address = dialer("127.0.0.1").dial(None, wait).await;
        assert!(matches!(by_address, Err(DialError::Timeout)), "{by_address:?}");
        let by_name = dialer("localhost");
        // As if other questions for the name waited for name servers.
        let _questions = by_name.reach.lookups.acquire_many(LOOKUPS as u32).await.unwrap();
        let by_name = by_name.dial(None, wait).await;
        assert!(matches!(by_name, Err(DialError::NameTimeout)), "{by_name:?}");
    }

    #[tokio::test]
    async fn a_name_is_asked_for() {
        let (_listener, open) = listener();
        let reach = Reach::new(BrokerAddress {
            host: "localhost".into(),
            port: open.port(),
        });
        let tcp = first_of(reach.addresses().await.unwrap()).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), open);
    }
}
