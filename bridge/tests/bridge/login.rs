//! Who comes in through the login page, and who does not.

use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    house::{House, PASSWORD, Visitor, hidden, soon},
    http, websocket,
};

#[tokio::test]
async fn nothing_of_the_home_is_seen_without_a_login() {
    let house = House::open("").await;
    for (path, status, location) in [
        ("/", 303, "login"),
        ("/index.html", 303, "login"),
        ("/%69ndex.html", 303, "login"),
        ("/index.html.br", 303, "login"),
        (
            "/?broker=home&theme=dark",
            303,
            "login?next=%3Fbroker%3Dhome%26theme%3Ddark",
        ),
        (
            "/?next=//evil.example",
            303,
            "login?next=%3Fnext%3D%2F%2Fevil.example",
        ),
        ("/api/config", 401, ""),
        ("/api/v1/anything", 401, ""),
        ("/api", 401, ""),
        ("/metrics", 401, ""),
        ("/healthz", 200, ""),
        ("/readyz", 200, ""),
        ("/login", 200, ""),
    ] {
        let answer = house.visitor().get(path).await;
        let found = (answer.status, answer.header("location"));
        assert_eq!(found, (status, location), "{path}: {}", answer.text());
        assert!(!answer.text().contains("mqtt/home"), "{path}");
    }
    for path in ["/mqtt", "/mqtt/home", "/mqtt/no-such-broker"] {
        let (code, reason) = websocket::open_at(house.address(), path).await.closed().await;
        assert_eq!(code, 4401, "{path}: {reason}");
        assert!(reason.contains("log in"), "{reason}");
    }
}

#[tokio::test]
async fn the_right_password_opens_the_page_the_api_and_the_broker() {
    let house = House::open("").await;
    let ada = house.logged_in("ada").await;
    assert!(ada.get("/").await.status != 303);
    let config = ada.config().await;
    assert_eq!(config["auth"], "users");
    assert_eq!(config["user"]["name"], "ada");
    assert_eq!(config["user"]["role"], "admin");
    assert_eq!(config["user"]["may_publish"], true);
    let mut browser = ada.websocket().await;
    browser.send(&[0x10, 0]).await;
    assert_eq!(
        browser.closed().await.0,
        4400,
        "let in, and judged by its packets"
    );
    let already = ada.get("/login?next=%3Fbroker%3Dhome").await;
    assert_eq!(
        (already.status, already.header("location")),
        (303, "./?broker=home")
    );
}

#[tokio::test]
async fn cookies_are_for_this_page_only_and_end() {
    let house = House::open("auth.session_lifetime_s = 1000000").await;
    let mut visitor = house.visitor();
    let page = visitor.get("/login").await;
    let answer = visitor.log_in("ada", PASSWORD).await;
    for (answer, name, age) in [
        (page, "hearth-form", 86_400),
        (answer, "hearth-session", 1_000_000),
    ] {
        let cookie = answer.header("set-cookie").to_owned();
        let (pair, flags) = cookie.split_once("; ").unwrap();
        assert_eq!(
            flags,
            format!("Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
        let (found, value) = pair.split_once('=').unwrap();
        assert_eq!((found, value.len()), (name, 43), "256 random bits");
    }
    let farewell = visitor.log_out(&[]).await;
    let cookie = farewell.header("set-cookie");
    assert!(
        cookie.starts_with("hearth-session=; Path=/; Max-Age=0;"),
        "{cookie}"
    );
}

#[tokio::test]
async fn over_https_cookies_are_secure_and_no_others_are_read() {
    let house = House::open("access.trusted_proxies = [\"127.0.0.1\"]").await;
    let https = format!("https://{}", house.address());
    let through = [("X-Forwarded-Proto", "https"), ("Origin", https.as_str())];
    let mut visitor = house.visitor();
    let page = http::get(house.address(), "/login", &through).await;
    assert!(
        page.header("set-cookie").starts_with("__Host-hearth-form="),
        "{page:?}"
    );
    visitor.take_cookies(&page);
    let token = hidden(&page.text(), "token");
    let fields = [("user", "ada"), ("password", PASSWORD), ("token", token.as_str())];
    let answer = visitor.post("/login", &fields, &through).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-hearth-session=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    let token = visitor.cookie("__Host-hearth-session").unwrap();
    for (name, scheme, status) in [
        ("__Host-hearth-session", "https", 200),
        ("hearth-session", "https", 401),
        ("__Host-hearth-session", "http", 401),
    ] {
        let cookie = format!("{name}={token}");
        let headers = [("Cookie", cookie.as_str()), ("X-Forwarded-Proto", scheme)];
        let answer = http::get(house.address(), "/api/config", &headers).await;
        assert_eq!(answer.status, status, "{name} over {scheme}");
    }
}

#[tokio::test]
async fn attempts_to_log_in_have_the_outcome_they_deserve() {
    let house = House::open("auth.tries_per_address = 100").await;
    let own = format!("http://{}", house.address());
    let longer = format!("{own}0");
    let https = format!("https://{}", house.address());
    let long = "x".repeat(20_000);
    let right = ("ada", PASSWORD);
    // what it is, user and password, headers that differ, status, words
    let table = [
        ("right", right, &[][..] as &[(&str, &str)], 303, ""),
        (
            "wrong password",
            ("ada", "wrong"),
            &[],
            401,
            "User name or password is wrong.",
        ),
        (
            "unknown user",
            ("eve", PASSWORD),
            &[],
            401,
            "User name or password is wrong.",
        ),
        ("empty", ("", ""), &[], 401, "User name or password is wrong."),
        (
            "NUL",
            ("ada\0", PASSWORD),
            &[],
            401,
            "User name or password is wrong.",
        ),
        (
            "other case",
            ("Ada", PASSWORD),
            &[],
            401,
            "User name or password is wrong.",
        ),
        ("blanks around the name", (" ada ", PASSWORD), &[], 303, ""),
        (
            "markup",
            ("\"><script>alert(1)</script>", "x"),
            &[],
            401,
            "&quot;&gt;&lt;script&gt;",
        ),
        ("no origin", right, &[("Origin", "")], 403, "origin_refused"),
        ("null origin", right, &[("Origin", "null")], 403, "origin_refused"),
        (
            "foreign origin",
            right,
            &[("Origin", "http://evil.example")],
            403,
            "origin_refused",
        ),
        (
            "origin with a longer port",
            right,
            &[("Origin", &longer)],
            403,
            "origin_refused",
        ),
        (
            "origin with another scheme",
            right,
            &[("Origin", &https)],
            403,
            "origin_refused",
        ),
        (
            "foreign host",
            right,
            &[("Host", "evil.example")],
            421,
            "host_refused",
        ),
        ("no cookie", right, &[("Cookie", "")], 403, "Try again"),
        (
            "cookie of another form",
            right,
            &[("Cookie", &format!("hearth-form={}", "A".repeat(43)))],
            403,
            "Try again",
        ),
        (
            "JSON",
            right,
            &[("Content-Type", "application/json")],
            403,
            "form_refused",
        ),
        (
            "text",
            right,
            &[("Content-Type", "text/plain")],
            403,
            "form_refused",
        ),
        ("no type", right, &[("Content-Type", "")], 403, "form_refused"),
        ("huge", ("ada", &long), &[], 403, "form_refused"),
        (
            "long password",
            ("ada", &long[..2_000]),
            &[],
            401,
            "User name or password is wrong.",
        ),
    ];
    for (what, (user, password), headers, status, words) in &table {
        let mut visitor = house.visitor();
        let token = visitor.form_token().await;
        let fields = [
            ("user", *user),
            ("password", *password),
            ("token", token.as_str()),
        ];
        let answer = visitor.post("/login", &fields, headers).await;
        let said = answer.text();
        assert_eq!(answer.status, *status, "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
        assert_eq!(
            visitor.cookie("hearth-session").is_some(),
            *status == 303,
            "{what}"
        );
        assert!(!said.contains(PASSWORD), "{what}: {said}");
    }
    // The token of the form alone, without its cookie's, or none at all.
    for token in ["", "x", &"A".repeat(43)] {
        let mut visitor = house.visitor();
        visitor.form_token().await;
        let answer = visitor
            .post(
                "/login",
                &[("user", "ada"), ("password", PASSWORD), ("token", token)],
                &[],
            )
            .await;
        assert_eq!(answer.status, 403, "{token}");
    }
    let get = house.visitor().get("/logout").await;
    assert_eq!(get.status, 405);
}

#[tokio::test]
async fn a_login_leads_back_to_the_page_and_nowhere_else() {
    let house = House::open("").await;
    for (next, route, location) in [
        ("", "", "./"),
        ("?broker=home", "#/device/lamp", "./?broker=home#/device/lamp"),
        ("//evil.example", "", "./"),
        ("/\\evil.example", "", "./"),
        ("https://evil.example/", "", "./"),
        ("javascript:alert(1)", "", "./"),
        ("?a\r\nSet-Cookie: hearth-session=x", "", "./"),
        ("", "javascript:alert(1)", "./"),
    ] {
        let mut visitor = house.visitor();
        let token = visitor.form_token().await;
        let fields = [
            ("user", "ada"),
            ("password", PASSWORD),
            ("token", token.as_str()),
            ("next", next),
            ("route", route),
        ];
        let answer = visitor.post("/login", &fields, &[]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, location),
            "{next:?} {route:?}"
        );
    }
    // What the page carries along is what it was given, as text.
    let page = house.visitor().get("/login?next=%22%3E%3Cscript%3E").await.text();
    assert_eq!(hidden(&page, "next"), "&quot;&gt;&lt;script&gt;");
}

#[tokio::test]
async fn wrong_passwords_make_one_wait_also_with_the_right_one() {
    let house = House::open("auth.tries_per_account = 2\nauth.first_wait_ms = 600000").await;
    let mut answers = Vec::new();
    for user in ["vic", "nobody"] {
        for _ in 0..2 {
            let answer = house.visitor().log_in(user, "wrong").await;
            assert_eq!(answer.status, 401, "{user}");
        }
        let answer = house.visitor().log_in(user, PASSWORD).await;
        assert_eq!(answer.status, 429, "{user}");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((300..=600).contains(&wait), "{wait}");
        let text = answer.text();
        let (_, body) = text.split_once("</style>").unwrap();
        let said = format!("Too many wrong passwords. Try again in {wait} seconds.");
        assert!(body.contains(&said), "{body}");
        let said = body
            .replace(&wait.to_string(), "…")
            .replace(&format!("value=\"{user}\""), "value=\"…\"")
            .replace(&hidden(body, "token"), "…");
        answers.push(said);
    }
    assert_eq!(
        answers[0], answers[1],
        "a name that exists is told from one that does not"
    );
    // Another account is not concerned.
    house.logged_in("olga").await;
    let metrics = house.metrics().await;
    assert!(
        metrics.contains("hearth_logins_total{result=\"wrong\"} 4"),
        "{metrics}"
    );
    assert!(
        metrics.contains("hearth_logins_total{result=\"too_many\"} 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_wait_ends() {
    let house = House::open("auth.tries_per_account = 1").await;
    assert_eq!(house.visitor().log_in("vic", "wrong").await.status, 401);
    soon("the wait ends", async || {
        house.visitor().log_in("vic", PASSWORD).await.status == 303
    })
    .await;
}

#[tokio::test]
async fn one_address_has_so_many_tries_at_all_accounts_together_also_at_once() {
    let house = House::open("auth.tries_per_address = 4\nauth.first_wait_ms = 600000").await;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let tries = names.map(|name| {
        let mut visitor = house.visitor();
        tokio::spawn(async move { visitor.log_in(name, "wrong").await.status })
    });
    let mut statuses = Vec::new();
    for one in tries {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429, 429, 429]);
}

#[tokio::test]
async fn tries_whose_browsers_hang_up_count_all_the_same() {
    const TRIES: usize = 8;
    let house = House::open(
        "auth.metrics_from = [\"127.0.0.1\"]\nauth.tries_per_account = 100\nauth.password_checks_at_a_time = 1",
    )
    .await;
    let mut visitor = house.visitor();
    let token = visitor.form_token().await;
    let cookie = visitor.cookie("hearth-form").unwrap();
    let (address, body) = (house.address(), format!("user=vic&password=wrong&token={token}"));
    let form = format!(
        "POST /login HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: hearth-form={cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let counted = async |line: &str, count: usize| {
        soon(line, async || {
            let metrics = house.visitor().get("/metrics").await.text();
            metrics.contains(&format!("{line} {count}\n"))
        })
        .await;
    };
    let mut browsers = Vec::new();
    for _ in 0..TRIES {
        let mut browser = TcpStream::connect(address).await.unwrap();
        browser.write_all(form.as_bytes()).await.unwrap();
        browsers.push(browser);
    }
    counted("hearth_password_checks_total", TRIES).await;
    drop(browsers);
    counted("hearth_logins_total{result=\"wrong\"}", TRIES).await;
}

/// The time of a login is that of its check.
#[tokio::test]
async fn an_unknown_user_costs_the_same_check_as_a_known_one() {
    let house = House::open("auth.metrics_from = [\"127.0.0.1\"]").await;
    for (checks, user) in [(1, "ada"), (2, "nobody"), (3, "ada"), (4, "no body")] {
        assert_eq!(house.visitor().log_in(user, "wrong").await.status, 401);
        let metrics = house.visitor().get("/metrics").await.text();
        assert!(
            metrics.contains(&format!("hearth_password_checks_total {checks}\n")),
            "{user}: {metrics}"
        );
    }
}

#[tokio::test]
async fn a_session_from_before_a_login_is_worth_nothing_after_it() {
    let house = House::open("").await;
    // Somebody plants a cookie of their own choice ...
    let mut victim = house.visitor();
    let planted = "A".repeat(43);
    victim.cookies.push(("hearth-session".into(), planted.clone()));
    assert!(!victim.is_logged_in().await);
    victim.log_in("vic", PASSWORD).await;
    assert_ne!(victim.cookie("hearth-session"), Some(planted.as_str()));
    let thief = Visitor {
        cookies: vec![("hearth-session".into(), planted)],
        ..house.visitor()
    };
    assert!(!thief.is_logged_in().await && victim.is_logged_in().await);
    // ... or one of a real session, which ends with the login of the other.
    let thief = house.logged_in("olga").await;
    let mut victim = house.visitor();
    let token = victim.form_token().await;
    victim.cookies.extend(
        thief
            .cookies
            .iter()
            .filter(|(name, _)| name == "hearth-session")
            .cloned(),
    );
    let fields = [("user", "vic"), ("password", PASSWORD), ("token", token.as_str())];
    victim.post("/login", &fields, &[]).await;
    assert_eq!(victim.config().await["user"]["name"], "vic");
    assert!(!thief.is_logged_in().await);
    // Two cookies of one name: one of them may be somebody else's.
    let mut double = victim.clone();
    double.cookies.push(("hearth-session".into(), "B".repeat(43)));
    assert!(!double.is_logged_in().await);
}

#[tokio::test]
async fn the_login_page_brings_all_it_needs_and_a_strict_policy() {
    let house = House::open("").await;
    let answer = house.visitor().get("/login").await;
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    let page = answer.text();
    for id in ["login-user", "login-password", "login-submit"] {
        assert!(page.contains(&format!("data-testid=\"{id}\"")), "{id}");
    }
    assert!(
        !page.contains("login-error") && !page.contains("://"),
        "relative addresses only: {page}"
    );
}

#[tokio::test]
async fn whoever_is_not_logged_in_hears_that_the_broker_is_gone_and_nothing_about_it() {
    let house = House::open("default_broker = \"cellar\"\nbroker.cellar.url = \"mqtt://127.0.0.1:1\"").await;
    let answer = house.visitor().get("/readyz").await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (503, "the broker does not answer\n")
    );
    let answer = house.logged_in("vic").await.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("'cellar': the connection was refused"),
        "{}",
        answer.text()
    );
}
