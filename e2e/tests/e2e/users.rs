//! A bridge with accounts: the login, what a viewer may not do, what is refused, and the way out.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::bridge::{Bridge, program};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::page::{Page, by, percent_encoded};
use tempfile::TempDir;

use crate::talk;

const PASSWORD: &str = "correct horse battery";

/// The simulated home behind a login: `vic` looks, `olga` acts in the home only.
struct House {
    bridge: Bridge,
    _folder: TempDir,
}

impl House {
    fn open() -> Result<Self> {
        let folder = TempDir::new()?;
        let accounts = folder.path().join("accounts.toml");
        for (name, role) in [("vic", "viewer"), ("olga", "operator")] {
            let mut hearth = Command::new(program()?)
                .args(["user", "add", name, "--role", role, "--password-stdin"])
                .env("HEARTH_AUTH_ACCOUNTS_FILE", &accounts)
                .stdin(Stdio::piped())
                .spawn()?;
            let mut stdin = hearth.stdin.take().context("a pipe")?;
            writeln!(stdin, "{PASSWORD}")?;
            drop(stdin);
            ensure!(hearth.wait()?.success(), "hearth user add {name}");
        }
        let bridge = Bridge::start(&format!(
            "[auth]\nmode = \"users\"\naccounts_file = \"{}\"\n[auth.roles.operator]\npublish = [\"home/#\", \"zigbee2mqtt/#\"]\n\
             [demo]\nenabled = true\n[broker.embedded]\nlisten = \"127.0.0.1:0\"\n",
            accounts.display()
        ))?;
        Ok(Self {
            bridge,
            _folder: folder,
        })
    }
}

fn log_in(page: &Page, user: &str, password: &str) -> Result<()> {
    page.fill(&by("login-user"), user)?;
    page.fill(&by("login-password"), password)?;
    page.click(&by("login-submit"))
}

#[test]
fn a_wrong_password_is_told_and_the_right_one_leads_to_where_one_was_going() -> Result<()> {
    let house = House::open()?;
    case("users-login", Screen::Desktop, |page| {
        page.open(&format!("{}?theme=dark#/settings", house.bridge.url()))?;
        page.wait_for(&by("login-submit"))?;
        log_in(page, "vic", "wrong password")?;
        page.wait_for_text(&by("login-error"), "wrong")?;
        let typed: String = page.script("return document.getElementById('user').value", &[])?;
        ensure!(typed == "vic", "the name stays: {typed}");
        log_in(page, "vic", PASSWORD)?;
        page.wait_for_text(&by("account"), "vic, viewer")?;
        page.wait_until_connected()?;
        let address: String = page.script("return location.search", &[])?;
        ensure!(address == "?theme=dark", "{address}");
        page.go_to("#/")?;
        page.wait_for(&by("entity-value"))
    })
}

#[test]
fn a_viewer_sees_the_home_and_is_told_why_nothing_can_be_switched() -> Result<()> {
    let house = House::open()?;
    case("users-viewer", Screen::Phone, |page| {
        page.open(&house.bridge.url())?;
        log_in(page, "vic", PASSWORD)?;
        page.wait_for(&by("entity-control"))?;
        page.wait_for_text(&by("look-only"), "Your role is viewer: it may look, not act.")?;
        let usable: usize = page.script(
            "return document.querySelectorAll('[data-testid=\"entity-control\"]:not(:disabled), [data-testid$=lights-off]:not(:disabled)').length",
            &[],
        )?;
        ensure!(usable == 0, "{usable} controls can be used");
        page.go_to("#/explorer?topic=home%2Fanything")?;
        page.wait_for_attribute(&by("publish-send"), "disabled", &["disabled"])
    })
}

#[test]
fn what_the_role_does_not_allow_is_refused_with_the_reason() -> Result<()> {
    let house = House::open()?;
    case("users-refused", Screen::Desktop, |page| {
        page.open(&house.bridge.url())?;
        log_in(page, "olga", PASSWORD)?;
        page.wait_until_connected()?;
        ensure!(page.count(&by("look-only"))? == 0, "an operator may act");
        page.go_to("#/explorer")?;
        for qos in [1, 2] {
            talk::publish(page, "garden/gate", "open", qos, false)?;
            let result = by("publish-result");
            page.wait_for_attribute(&result, "data-state", &["failed"])?;
            page.wait_for_text(&result, "ot authorized")?;
        }
        talk::publish(page, "home/note", "hello", 1, false)?;
        page.wait_for_attribute(&by("publish-result"), "data-state", &["acknowledged"])
    })
}

#[test]
fn an_operator_is_not_offered_what_admins_do() -> Result<()> {
    let house = House::open()?;
    case("users-operator", Screen::Desktop, |page| {
        page.open(&house.bridge.url())?;
        log_in(page, "olga", PASSWORD)?;
        page.wait_until_connected()?;
        crate::admins::open_device(page, "Lamp")?;
        page.wait_for(
            &by("entity")
                .with("data-entity", "light")
                .inside(&by("entity-control")),
        )?;
        ensure!(
            page.count(&by("entity").with("data-entity", "rename"))? == 0,
            "names are for admins"
        );
        page.go_to("#/")?;
        crate::admins::open_device(page, "Zigbee2MQTT")?;
        page.wait_for(&by("entity").with("data-entity", "permit_join"))?;
        ensure!(
            page.count(&by("entity-control"))? == 0,
            "the bridge is for admins"
        );
        page.wait_for_text(&by("for-admins"), "Let new devices in")?;
        // Not by hand, either.
        page.go_to("#/explorer")?;
        talk::publish(page, "zigbee2mqtt/bridge/request/permit_join", "{}", 1, false)?;
        let result = by("publish-result");
        page.wait_for_attribute(&result, "data-state", &["failed"])?;
        page.wait_for_text(&result, "ot authorized")?;
        Ok(())
    })
}

/// In a browser of its own.
fn log_out_everywhere(name: &str, house: &House) -> Result<()> {
    case(name, Screen::Desktop, |here| {
        here.open(&format!("{}#/settings", house.bridge.url()))?;
        log_in(here, "olga", PASSWORD)?;
        here.wait_until_connected()?;
        here.click(&by("log-out-everywhere"))?;
        here.wait_for(&by("login-submit"))
    })
}

#[test]
fn a_page_that_was_given_the_bridges_own_address_goes_to_the_login_too() -> Result<()> {
    let house = House::open()?;
    case("users-by-address", Screen::Desktop, |there| {
        let page = house.bridge.url();
        there.open(&page)?;
        log_in(there, "olga", PASSWORD)?;
        there.wait_until_connected()?;
        let address = percent_encoded(&format!("{}mqtt/embedded", page.replace("http:", "ws:")));
        there.open(&format!("{page}?url={address}&connect=1#/explorer"))?;
        there.wait_until_connected()?;
        log_out_everywhere("users-by-address-here", &house)?;
        there.wait_for(&by("login-submit"))
    })
}

#[test]
fn logging_out_everywhere_ends_the_page_in_another_browser() -> Result<()> {
    let house = House::open()?;
    case("users-there", Screen::Desktop, |there| {
        there.open(&house.bridge.url())?;
        log_in(there, "olga", PASSWORD)?;
        there.wait_until_connected()?;
        there.go_to("#/explorer")?;
        log_out_everywhere("users-here", &house)?;
        there.wait_for(&by("login-submit"))?;
        // And back to where it was.
        log_in(there, "olga", PASSWORD)?;
        there.wait_until_connected()?;
        let route: String = there.script("return location.hash", &[])?;
        ensure!(route == "#/explorer", "{route}");
        Ok(())
    })
}
