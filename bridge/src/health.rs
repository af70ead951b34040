//! `hearth health`: is the Hearth of this configuration up? For containers, where no other program could ask.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use crate::config::Config;

/// Who watches waits a few seconds; an answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why it is not up.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Port 0 is another port each time.
    #[error("`listen` has port 0, so nobody knows where to ask; give it a port")]
    NoPort,
    /// Nobody listens, or nobody answers.
    #[error("{address} does not answer: {error}")]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
        /// What came instead of an answer.
        error: io::Error,
    },
    /// Something answers.
    #[error("{address} answers, but not as Hearth does: {answer:?}")]
    Unexpected {
        /// Where it was asked.
        address: SocketAddr,
        /// The first line, or what there was of it.
        answer: String,
    },
}

/// Asks at the address that the configuration says.
///
/// # Errors
/// It is not up, or cannot be asked.
pub fn ask(config: &Config) -> Result<(), HealthError> {
    let address = reachable(config.listen);
    if address.port() == 0 {
        return Err(HealthError::NoPort);
    }
    let answer = status_line(address).map_err(|error| HealthError::Silent { address, error })?;
    // Where HTTPS is spoken, a question without TLS is led there; that is an answer too, and needs no certificate.
    let expected = if config.http.tls.is_some() {
        "HTTP/1.1 308 "
    } else {
        "HTTP/1.1 200 "
    };
    if answer.starts_with(expected) {
        Ok(())
    } else {
        Err(HealthError::Unexpected { address, answer })
    }
}

/// Who listens everywhere is asked on this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn status_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut line = Vec::new();
    BufReader::new(stream.take(256)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::TcpListener};

    use super::*;
    use crate::config::Overrides;

    fn config(listen: &str) -> Config {
        let text = format!("listen = \"{listen}\"");
        Config::parse("test.toml", &text, &BTreeMap::new(), &Overrides::default()).unwrap()
    }

    /// A server of one connection, which says `answer` and ends.
    fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let question = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines = question.map_while(Result::ok).take_while(|line| !line.is_empty());
            assert!(lines.count() > 1);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn who_listens_everywhere_is_asked_on_this_machine() {
        let port = server("HTTP/1.1 200 OK\r\n\r\nok\n").port();
        ask(&config(&format!("0.0.0.0:{port}"))).unwrap();
    }

    #[test]
    fn another_answer_or_none_is_no_health() {
        let address = server("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert!(matches!(
            ask(&config(&address.to_string())),
            Err(HealthError::Unexpected { answer, .. }) if answer.contains("503")
        ));
        let address = server("");
        assert!(matches!(
            ask(&config(&address.to_string())),
            Err(HealthError::Unexpected { answer, .. }) if answer.is_empty()
        ));
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(
            ask(&config(&gone.to_string())),
            Err(HealthError::Silent { .. })
        ));
        assert!(matches!(ask(&config("127.0.0.1:0")), Err(HealthError::NoPort)));
    }
}
