use crate::{
    client::{BOTH, Client, Settings, Told, Version, settings},
    options,
};
use std::time::{Duration, Instant};

use hearth::{
    auth::{Password, Permissions, hash_password},
    broker::{self, BrokerError, EmbeddedOptions, UserOptions},
};

fn permissions(publish: &[&str], subscribe: &[&str]) -> Permissions {
    let owned = |filters: &[&str]| filters.iter().map(|&filter| filter.to_owned()).collect();
    Permissions {
        publish: owned(publish),
        deny_publish: Vec::new(),
        subscribe: owned(subscribe),
    }
}

/// `ada` may do everything, `kim` (hashed password) what is hers; nobody else comes in.
fn with_users() -> EmbeddedOptions {
    let mut options = options();
    options.anonymous = Some(false);
    let ada = UserOptions {
        password: Password::Plain("lovelace".to_owned()),
        permissions: Permissions::default(),
    };
    let hash = hash_password("비밀번호", [1; 16]).unwrap();
    let kim = UserOptions {
        password: Password::Hash(hash),
        permissions: permissions(&["home/%u/#"], &["home/%u/#", "public/+", "device/%c/state"]),
    };
    options
        .users
        .extend([("ada".to_owned(), ada), ("kim".to_owned(), kim)]);
    options
}

fn kim(id: &str) -> Settings {
    settings(id).login("kim", "비밀번호")
}

#[tokio::test]
async fn a_wrong_password_an_unknown_user_and_no_user_are_refused() {
    let broker = broker::start(with_users()).await.unwrap();
    for (version, bad, not_authorized) in [
        (Version::V311, "BadUserNamePassword", "NotAuthorized"),
        (Version::V5, "BadUserNamePassword", "NotAuthorized"),
    ] {
        for (login, expected) in [
            (settings("x").login("ada", "wrong"), bad),
            (settings("x").login("ada", ""), bad),
            (settings("x").login("kim", "wrong"), bad),
            (settings("x").login("nobody", "lovelace"), bad),
            (settings("x"), not_authorized),
        ] {
            let told = Client::dial(version, broker.address(), login).next().await;
            assert_eq!(told, Told::Refused(expected.to_owned()), "{version:?}");
        }
        Client::connect(version, broker.address(), settings("x").login("ada", "lovelace")).await;
        Client::connect(version, broker.address(), kim("x")).await;
    }
    assert_eq!(broker.counters().logins_denied, 10);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_filter_is_granted_only_if_the_permissions_cover_it() {
    let broker = broker::start(with_users()).await.unwrap();
    let (granted, v311, v5) = ("Success(AtLeastOnce)", "Failure", "NotAuthorized");
    for (version, denied) in [(Version::V311, v311), (Version::V5, v5)] {
        let (mut client, _) = Client::connect(version, broker.address(), kim("tab")).await;
        for (filter, expected) in [
            ("home/kim/#", granted),
            ("home/kim/lamp/+", granted),
            ("public/news", granted),
            ("public/+", granted),
            ("device/tab/state", granted),
            ("$share/group/home/kim/lamp", granted),
            ("#", denied),
            ("home/#", denied),
            ("home/+/lamp", denied),
            ("home/ada/lamp", denied),
            ("public/#", denied),
            ("device/other/state", denied),
            ("$SYS/#", denied),
            ("$share/group/home/ada/lamp", denied),
        ] {
            assert_eq!(
                client.subscribe(filter, 1).await,
                [expected],
                "{version:?} {filter}"
            );
        }
    }
    assert_eq!(broker.counters().subscriptions_denied, 16);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_is_taken_only_if_the_permissions_cover_its_topic() {
    let broker = broker::start(with_users()).await.unwrap();
    let login = settings("watcher").login("ada", "lovelace");
    let (mut watcher, _) = Client::connect(Version::V5, broker.address(), login).await;
    watcher.subscribe("#", 2).await;
    for version in BOTH {
        for qos in 1..=2 {
            let (mut client, _) = Client::connect(version, broker.address(), kim("tab")).await;
            let reason = client.publish("home/ada/lamp", qos, true, "stolen").await;
            // 3.1.1 has no way to say no but to hang up; the message is dropped silently, as Mosquitto does.
            let expected = if version == Version::V5 {
                "NotAuthorized"
            } else {
                "Success"
            };
            assert_eq!(reason, expected, "{version:?} {qos}");
            let (mut client, _) = Client::connect(version, broker.address(), kim("tab")).await;
            assert_eq!(
                client.publish("home/kim/lamp", qos, false, "mine").await,
                "Success"
            );
            assert_eq!(watcher.message().await.payload, b"mine", "{version:?} {qos}");
        }
    }
    assert_eq!(broker.counters().publishes_denied, 4);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_will_needs_permission_when_it_is_left() {
    let broker = broker::start(with_users()).await.unwrap();
    for version in BOTH {
        let theirs = kim("tab").will("home/ada/lamp", "gone");
        let told = Client::dial(version, broker.address(), theirs).next().await;
        assert_eq!(told, Told::Refused("NotAuthorized".to_owned()));
        Client::connect(
            version,
            broker.address(),
            kim("tab").will("home/kim/lamp", "gone"),
        )
        .await;
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn anonymous_clients_have_permissions_of_their_own() {
    let mut options = with_users();
    options.anonymous = Some(true);
    options.anonymous_permissions = permissions(&[], &["public/#"]);
    let broker = broker::start(options).await.unwrap();
    let mut client = Client::connected(Version::V5, broker.address(), "guest").await;
    assert_eq!(client.subscribe("public/#", 0).await, ["Success(AtMostOnce)"]);
    assert_eq!(client.subscribe("home/#", 0).await, ["NotAuthorized"]);
    assert_eq!(
        client.publish("public/news", 1, false, "x").await,
        "NotAuthorized"
    );
    broker.stop().await.unwrap();
}

#[test]
fn anonymous_clients_come_in_by_default_only_from_this_machine() {
    let mut options = options();
    assert!(options.anonymous_allowed());
    options.listen = ([0, 0, 0, 0], 1883).into();
    assert!(!options.anonymous_allowed());
    options.anonymous = Some(true);
    assert!(options.anonymous_allowed());
}

#[tokio::test]
async fn mistakes_in_users_are_told_at_start() {
    let mut options = with_users();
    options
        .users
        .get_mut("kim")
        .unwrap()
        .permissions
        .publish
        .push("home/#/x".to_owned());
    let error = broker::start(options).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Permission { .. }), "{error}");
    assert!(
        error.to_string().contains("home/#/x") && error.to_string().contains("kim"),
        "{error}"
    );
    let mut options = with_users();
    options.users.get_mut("kim").unwrap().password = Password::Hash("$argon2id$nonsense".to_owned());
    let error = broker::start(options).await.unwrap_err();
    assert!(
        matches!(&error, BrokerError::Password { user, .. } if user == "kim"),
        "{error}"
    );
    assert!(!error.to_string().contains("nonsense"), "{error}");
}

#[tokio::test]
async fn a_client_identifier_gives_nobody_the_session_of_another_user() {
    let broker = broker::start(with_users()).await.unwrap();
    for version in BOTH {
        let ada = settings("tab").login("ada", "lovelace").persistent();
        let (mut client, _) = Client::connect(version, broker.address(), ada).await;
        client.subscribe("secret", 1).await;
        client.leave().await;
        let writer = settings("writer").login("ada", "lovelace");
        let (mut writer, _) = Client::connect(version, broker.address(), writer).await;
        writer.publish("secret", 1, false, "while away").await;

        let (mut thief, present) = Client::connect(version, broker.address(), kim("tab").persistent()).await;
        assert!(!present, "{version:?}");
        thief.subscribe("public/news", 1).await;
        writer.publish("secret", 1, false, "while there").await;
        writer.publish("public/news", 1, false, "for all").await;
        assert_eq!(thief.message().await.topic, "public/news", "{version:?}");
        thief.leave().await;
        writer.leave().await;
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_takes_what_is_no_longer_permitted() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = with_users();
    options.data_dir = Some(dir.path().to_owned());
    let broker = broker::start(options.clone()).await.unwrap();
    let (mut client, _) = Client::connect(Version::V5, broker.address(), kim("tab").persistent()).await;
    client.subscribe("public/news", 1).await;
    client.subscribe("home/kim/lamp", 1).await;
    broker.stop().await.unwrap();
    drop(client);

    let user = options.users.get_mut("kim").unwrap();
    user.permissions = permissions(&[], &["home/%u/#"]);
    let broker = broker::start(options).await.unwrap();
    let (mut client, present) = Client::connect(Version::V5, broker.address(), kim("tab").persistent()).await;
    assert!(present);
    let writer = settings("writer").login("ada", "lovelace");
    let (mut writer, _) = Client::connect(Version::V5, broker.address(), writer).await;
    writer.publish("public/news", 1, false, "no longer hers").await;
    writer.publish("home/kim/lamp", 1, false, "hers").await;
    assert_eq!(client.message().await.topic, "home/kim/lamp");
    broker.stop().await.unwrap();
}

/// The time of a refusal must not tell which names exist.
#[tokio::test]
async fn an_unknown_user_costs_as_much_as_a_wrong_password() {
    let broker = broker::start(with_users()).await.unwrap();
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..2 {
        for (name, fastest) in ["kim", "nobody"].into_iter().zip(&mut fastest) {
            let begun = Instant::now();
            let login = settings("x").login(name, "wrong");
            let told = Client::dial(Version::V5, broker.address(), login).next().await;
            assert_eq!(told, Told::Refused("BadUserNamePassword".to_owned()));
            *fastest = begun.elapsed().min(*fastest);
        }
    }
    let [known, unknown] = fastest;
    assert!(unknown * 3 > known, "{unknown:?} and {known:?}");
    broker.stop().await.unwrap();
}
