//! CONNECT and CONNACK, versions, keep-alive.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use hearth_mqtt::session::{Authentication, ClosedReason, Event, SessionOptions, VersionChoice};
use hearth_mqtt::{ProtocolVersion, ReasonCode};

use super::{Case, Chapter, both, v5};
use crate::client::Ended;
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Connecting",
    cases: CASES,
};

const CASES: &[Case] = &[
    both("connects", "accepts the version", connects),
    both(
        "version_is_found",
        "`auto` ends with the right version",
        version_is_found,
    ),
    both(
        "wrong_password",
        "refuses a wrong password and says why",
        wrong_password,
    ),
    both("empty_client_id", "takes a client without an id", empty_client_id),
    v5(
        "assigned_client_id",
        "tells the id it assigned",
        assigned_client_id,
    ),
    both("ping", "answers PINGREQ", ping),
    both("silence", "drops a client silent for 1.5 × keep-alive", silence),
    both(
        "take_over",
        "ends the older of two clients with one id",
        take_over,
    ),
    v5(
        "take_over_reason",
        "says that the other client took over",
        take_over_reason,
    ),
    v5(
        "server_keep_alive",
        "shortens the keep-alive to its own maximum",
        server_keep_alive,
    ),
    v5(
        "unknown_method",
        "refuses an unknown authentication method",
        unknown_method,
    ),
];

/// Some brokers say nothing at all to 5.0.
fn impatient(rig: &Rig) -> SessionOptions {
    SessionOptions {
        connack_timeout_ms: 4_000,
        ..rig.options("a")
    }
}

fn connects(rig: &Rig) -> Result<Finding> {
    let mut client = rig.client(impatient(rig));
    let connected = match client.connect() {
        Ok(connected) => connected,
        Err(error) => {
            return match error.downcast_ref::<Ended>() {
                Some(Ended(reason)) => lacks(reason.to_string()),
                None => Err(error),
            };
        }
    };
    ensure!(!connected.session_present && connected.version == rig.version);
    ensure!(
        client
            .session
            .limits()
            .is_some_and(|it| it.version == rig.version)
    );
    client.disconnect()?;
    Ok(Has)
}

fn version_is_found(rig: &Rig) -> Result<Finding> {
    let mut client = rig.client(SessionOptions {
        version: VersionChoice::Auto,
        ..impatient(rig)
    });
    for _ in 0..5 {
        client.open()?;
        let end = client.drive_until("an answer", |client| {
            client
                .session
                .limits()
                .map(|limits| Ok(limits.version))
                .or_else(|| client.closing().map(Err))
        })?;
        match end {
            Ok(version) => {
                ensure!(version == ProtocolVersion::V5 || rig.version == ProtocolVersion::V311);
                client.ping()?;
                client.disconnect()?;
                return Ok(Has);
            }
            Err(
                ClosedReason::VersionFellBack | ClosedReason::NetworkClosed | ClosedReason::ConnackTimeout,
            ) => client.cut(),
            Err(other) => bail!("{other}"),
        }
    }
    bail!("five tries were not enough")
}

fn wrong_password(rig: &Rig) -> Result<Finding> {
    let mut client = rig.client(SessionOptions {
        password: Some("wrong".into()),
        ..rig.options("a")
    });
    client.open()?;
    match client.closed()? {
        ClosedReason::ServerRefused { code, .. }
            if code == ReasonCode::BAD_USER_NAME_OR_PASSWORD || code == ReasonCode::NOT_AUTHORIZED =>
        {
            Ok(Has)
        }
        ClosedReason::ServerRefused { code, .. } => lacks(format!("the reason is {code}")),
        ClosedReason::NetworkClosed => lacks("closes without a reason"),
        other => bail!("{other}"),
    }
}

fn empty_client_id(rig: &Rig) -> Result<Finding> {
    let mut client = rig.client(SessionOptions {
        client_id: String::new(),
        ..rig.options("a")
    });
    client.connect()?;
    client.ping()?;
    client.disconnect()?;
    Ok(Has)
}

fn assigned_client_id(rig: &Rig) -> Result<Finding> {
    let mut client = rig.client(SessionOptions {
        client_id: String::new(),
        clean_start: true,
        ..rig.lasting_options("a")
    });
    let Some(assigned) = client.connect()?.assigned_client_id else {
        return lacks("no Assigned Client Identifier");
    };
    client.cut();
    ensure!(
        client.connect()?.session_present,
        "the assigned id does not lead back"
    );
    ensure!(*client.session.client_id() == *assigned);
    client.disconnect()?;
    Ok(Has)
}

fn ping(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    client.ping()?;
    client.ping()?;
    client.disconnect()?;
    Ok(Has)
}

fn silence(rig: &Rig) -> Result<Finding> {
    /// More than any broker takes that counts at all.
    const LONG: Duration = Duration::from_secs(8);
    let (mut client, _) = rig.connected_with(SessionOptions {
        keep_alive: 1,
        ..rig.options("a")
    })?;
    client.silent = true;
    let since = Instant::now();
    match client.closed_within(LONG)? {
        Some(_) if since.elapsed() < Duration::from_secs(1) => lacks("within the keep-alive already"),
        Some(ClosedReason::NetworkClosed) => Ok(Has),
        Some(ClosedReason::Server { code, .. }) if code == ReasonCode::KEEP_ALIVE_TIMEOUT => Ok(Has),
        Some(other) => bail!("{other}"),
        None => lacks(format!("still there after {} s", LONG.as_secs())),
    }
}

fn take_over(rig: &Rig) -> Result<Finding> {
    let mut older = rig.connected("a")?;
    let mut newer = rig.connected("a")?;
    match older.closed_within(Duration::from_secs(8))? {
        Some(ClosedReason::TakenOver { .. } | ClosedReason::NetworkClosed) => {}
        Some(other) => bail!("{other}"),
        None => return lacks("the older one stays"),
    }
    newer.ping()?;
    newer.disconnect()?;
    Ok(Has)
}

fn take_over_reason(rig: &Rig) -> Result<Finding> {
    let mut older = rig.connected("a")?;
    let _newer = rig.connected("a")?;
    match older.closed()? {
        ClosedReason::TakenOver { .. } => Ok(Has),
        ClosedReason::NetworkClosed => lacks("closes without a reason"),
        other => bail!("{other}"),
    }
}

fn server_keep_alive(rig: &Rig) -> Result<Finding> {
    let (mut client, connected) = rig.connected_with(SessionOptions {
        keep_alive: 65_000,
        ..rig.options("a")
    })?;
    let Some(keep_alive) = connected.server_keep_alive else {
        return lacks("takes any keep-alive");
    };
    let in_force = client.session.limits().map(|limits| limits.keep_alive);
    ensure!(in_force == Some(keep_alive));
    if keep_alive == 65_000 {
        return lacks("takes any keep-alive");
    }
    client.disconnect()?;
    Ok(Has)
}

fn unknown_method(rig: &Rig) -> Result<Finding> {
    let mut client = rig.client(SessionOptions {
        authentication: Some(Authentication {
            method: "HEARTH-TEST".into(),
            data: Some("x".into()),
        }),
        ..rig.options("a")
    });
    client.open()?;
    let end = client.drive_until("an answer", |client| {
        client.take_event(|event| match event {
            Event::Connected { .. } => Some(None),
            Event::Closed(reason) => Some(Some(reason.clone())),
            _ => None,
        })
    })?;
    match end {
        Some(ClosedReason::ServerRefused { code, .. }) if code == ReasonCode::BAD_AUTHENTICATION_METHOD => {
            Ok(Has)
        }
        Some(ClosedReason::ServerRefused { code, .. }) => lacks(format!("the reason is {code}")),
        Some(ClosedReason::NetworkClosed) => lacks("closes without a reason"),
        Some(other) => bail!("{other}"),
        None => lacks("lets the client in by its password"),
    }
}
