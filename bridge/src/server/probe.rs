//! What would keep the bridge from starting on this machine: addresses and folders are tried, and left as they were.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::broker::{BrokerError, EmbeddedOptions};

/// Could somebody listen here? Nobody does: who connects in this moment would wait for an answer that never comes.
pub(super) fn listen(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // As for the listener itself: connections that have just ended keep nobody from it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

/// Could the embedded broker start?
pub(super) fn embedded(options: &EmbeddedOptions) -> Vec<BrokerError> {
    let address = options.listen;
    let listens = listen(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BrokerError::PortTaken { address },
        _ => BrokerError::Listen { address, source },
    });
    let keeps = match &options.data_dir {
        Some(path) => folder(path).map_err(|source| BrokerError::DataDir {
            path: path.clone(),
            source,
        }),
        None => Ok(()),
    };
    listens.err().into_iter().chain(keeps.err()).collect()
}

/// Could this folder be made, and something be written in it?
fn folder(path: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| matches!(folder.try_exists(), Ok(false));
    let named = path.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    let missing: Vec<PathBuf> = named.take_while(is_missing).map(Path::to_owned).collect();
    let tried = fs::create_dir_all(path).and_then(|()| {
        let file = path.join(format!(".hearth-check-{}", process::id()));
        fs::File::create_new(&file)?;
        fs::remove_file(&file)
    });
    // The deepest first. One that is not empty is in use by now, and stays.
    for folder in missing {
        let _left = fs::remove_dir(folder);
    }
    tried
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_folder_is_tried_and_nothing_stays_behind() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("a/b/c");
        folder(&deep).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        fs::create_dir_all(&deep).unwrap();
        folder(&deep).unwrap();
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(folder(&file).is_err());
        assert!(folder(&file.join("below")).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_port_is_tried_and_free_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listen(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        listen(address).unwrap();
        listen(address).unwrap();
        // Kept for documentation, so of no machine.
        let foreign = "192.0.2.1:0".parse().unwrap();
        assert_eq!(
            listen(foreign).unwrap_err().kind(),
            io::ErrorKind::AddrNotAvailable
        );
    }
}
