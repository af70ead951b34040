//! The file of accounts: TOML, replaced as a whole, readable by its owner only.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use super::{Account, Accounts, AccountsError, Password, PasswordError, Role, check_name};
use crate::config::{ConfigError, FromText, Section, Source, not_toml};

/// Ten thousand accounts are under 2 MB.
const LARGEST_FILE_BYTES: u64 = 4 * 1_048_576;

const HEAD: &str = "# The accounts of Hearth, written by `hearth user`: comments do not survive. A running bridge reads changes at once.\n";

/// Where accounts are kept.
#[derive(Clone, Debug)]
pub struct AccountsFile {
    path: PathBuf,
}

impl AccountsFile {
    /// The file may not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; a file that is missing holds no accounts.
    pub fn read(&self) -> Result<Accounts, AccountsError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Accounts::new()),
            Err(source) => return Err(self.failed("read", source)),
        };
        let mut text = String::new();
        file.take(LARGEST_FILE_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|source| self.failed("read", source))?;
        if text.len() as u64 > LARGEST_FILE_BYTES {
            return Err(AccountsError::TooLarge {
                path: self.path.clone(),
            });
        }
        parse(&self.path.display().to_string(), &text).map_err(AccountsError::Content)
    }

    /// Changes the accounts: reads them, lets `edit` do its work and writes them, while nobody else does.
    pub fn edit(
        &self,
        edit: impl FnOnce(&mut Accounts) -> Result<(), AccountsError>,
    ) -> Result<(), AccountsError> {
        let written = |source| self.failed("written", source);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(written)?;
        }
        // A link stays one: what it leads to is replaced.
        let real = Self::new(fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()));
        real.edit_here(edit)
    }

    fn edit_here(
        &self,
        edit: impl FnOnce(&mut Accounts) -> Result<(), AccountsError>,
    ) -> Result<(), AccountsError> {
        let written = |source| self.failed("written", source);
        let lock = private(OpenOptions::new().create(true).truncate(false))
            .open(self.beside("lock"))
            .map_err(written)?;
        lock.lock().map_err(written)?;
        let mut accounts = self.read()?;
        edit(&mut accounts)?;
        self.replace(&render(&accounts)).map_err(written)
    }

    /// Readers see the old file or the new one, never half of one, and a power cut leaves one of them.
    fn replace(&self, text: &str) -> io::Result<()> {
        let new = self.beside("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = private(OpenOptions::new().create_new(true)).open(&new)?;
        belongs_like(&self.path, &file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }

    fn failed(&self, done: &'static str, source: io::Error) -> AccountsError {
        AccountsError::File {
            path: self.path.clone(),
            done,
            source,
        }
    }
}

/// New files are for their owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

/// The new file belongs to whom the old one belongs, or the folder where there is none, and may be read by the same: root makes
/// accounts for a bridge that runs as somebody else. Who is not root can give nothing away, and need not.
#[cfg(unix)]
fn belongs_like(path: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let old = fs::metadata(path);
    let folder = || {
        fs::metadata(
            path.parent()
                .filter(|folder| *folder != Path::new(""))
                .unwrap_or(Path::new(".")),
        )
    };
    let (owner, permissions) = match old {
        Ok(old) => (old.clone(), Some(old.permissions())),
        Err(_) => (folder()?, None),
    };
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
        match fchown(file, Some(owner.uid()), Some(owner.gid())) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))
}

#[cfg(not(unix))]
fn belongs_like(_path: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}

fn render(accounts: &Accounts) -> String {
    let mut text = String::from(HEAD);
    for (name, account) in accounts {
        let Password::Hash(hash) = &account.password else {
            continue;
        };
        // Neither a name nor a hash nor a role can hold what TOML would have to escape.
        text.push_str(&format!(
            "\n[[account]]\nname = \"{name}\"\nrole = \"{}\"\npassword = \"{hash}\"\n",
            account.role.word()
        ));
    }
    text
}

fn parse(name: &str, text: &str) -> Result<Accounts, ConfigError> {
    let environment = BTreeMap::new();
    let source = Source::new(name.to_owned(), text, &environment, BTreeMap::new());
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => return Err(not_toml(&source, &error)),
    };
    let top = Section::top(&source, table.get_ref());
    let mut accounts = Accounts::new();
    for section in top.list("account") {
        let name = required::<UserName>(&section, "name");
        let role = required::<Role>(&section, "role");
        let password = password_hash(&section);
        if let (Some(UserName(name)), Some(role), Some(password)) = (name, role, password) {
            let account = Account { role, password };
            if accounts.insert(name.clone(), account).is_some() {
                let message = format!("the user {name:?} is listed twice");
                section.mistake("name", message, "keep one of them".into());
            }
        }
        section.finish();
    }
    top.finish();
    let problems = source.into_problems();
    if problems.is_empty() {
        Ok(accounts)
    } else {
        Err(ConfigError { problems })
    }
}

struct UserName(String);

impl FromText for UserName {
    const EXPECTED: &'static str = "1 to 64 letters, digits, or . _ - @";

    fn from_text(text: &str) -> Result<Self, String> {
        check_name(text).map_err(|_| "this is not a user's name".to_owned())?;
        Ok(Self(text.to_owned()))
    }
}

fn required<T: FromText>(section: &Section<'_>, key: &'static str) -> Option<T> {
    if !section.is_set(key) {
        section.mistake(
            key,
            "an account needs it".to_owned(),
            format!("write {}", T::EXPECTED),
        );
    }
    section.text(key)
}

/// Nothing of what stands there is shown: it may be a password.
fn password_hash(section: &Section<'_>) -> Option<Password> {
    let hash = section.secret("password");
    let password = hash.map(|hash| Password::Hash(hash.expose().to_owned()));
    let checked = match &password {
        Some(password) => password.check(),
        None => Err(PasswordError::NotArgon2),
    };
    let sound = password.filter(|_| checked.is_ok());
    if let Err(reason) = checked {
        let reason = reason.to_string();
        let fix = "let the bridge write it: `hearth user set-password NAME`";
        section.mistake("password", reason, fix.into());
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn add(file: &AccountsFile, name: &str, role: Role) -> Result<(), AccountsError> {
        let account = Account {
            role,
            password: Password::Hash(HASH.to_owned()),
        };
        file.edit(|accounts| {
            accounts.insert(name.to_owned(), account);
            Ok(())
        })
    }

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$3sJb0hnpj4S6Gp8vqmnbS7YUeOZmJLS8UzLx0YNyzkc";

    #[test]
    fn what_is_written_is_read_again() {
        let folder = folder();
        let file = AccountsFile::new(folder.path().join("deep/accounts.toml"));
        assert_eq!(file.read().unwrap(), Accounts::new());
        add(&file, "ada", Role::Admin).unwrap();
        add(&file, "뽀로로@home", Role::Viewer).unwrap();
        let accounts = file.read().unwrap();
        assert_eq!(accounts.keys().collect::<Vec<_>>(), ["ada", "뽀로로@home"]);
        assert_eq!(accounts["뽀로로@home"].role, Role::Viewer);
        assert_eq!(accounts["ada"].password, Password::Hash(HASH.to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = folder();
        let file = AccountsFile::new(folder.path().join("accounts.toml"));
        add(&file, "ada", Role::Admin).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// Root makes accounts for a bridge that runs as somebody else, and settings may be links.
    #[cfg(unix)]
    #[test]
    fn a_change_leaves_owner_mode_and_link_as_they_were() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

        let folder = folder();
        let real = folder.path().join("real.toml");
        let link = folder.path().join("accounts.toml");
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        // Only root may; for others it stays theirs.
        let _given = chown(&real, Some(65_532), Some(65_532));
        symlink(&real, &link).unwrap();
        let before = fs::metadata(&real).unwrap();
        add(&AccountsFile::new(&link), "ada", Role::Admin).unwrap();
        let after = fs::metadata(&real).unwrap();
        assert_ne!(before.ino(), after.ino(), "it was replaced as a whole");
        assert_eq!(
            (after.uid(), after.gid(), after.mode()),
            (before.uid(), before.gid(), before.mode())
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(AccountsFile::new(&real).read().unwrap().contains_key("ada"));
    }

    #[test]
    fn a_change_that_fails_leaves_the_file_as_it_was() {
        let folder = folder();
        let file = AccountsFile::new(folder.path().join("accounts.toml"));
        add(&file, "ada", Role::Admin).unwrap();
        let before = fs::read_to_string(file.path()).unwrap();
        let failed = file.edit(|accounts| {
            accounts.clear();
            Err(AccountsError::Name)
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), before);
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let folder = folder();
        let file = AccountsFile::new(folder.path().join("accounts.toml"));
        std::thread::scope(|scope| {
            for number in 0..8 {
                let file = &file;
                scope.spawn(move || add(file, &format!("user{number}"), Role::Viewer).unwrap());
            }
        });
        assert_eq!(file.read().unwrap().len(), 8);
    }

    #[test]
    fn mistakes_are_told_with_place_and_fix_and_without_the_password() {
        let entry = |name: &str, role: &str, password: &str| {
            format!("[[account]]\nname = \"{name}\"\nrole = \"{role}\"\npassword = \"{password}\"\n")
        };
        for (text, parts) in [
            (
                entry("a/b", "viewer", HASH),
                &["accounts.toml:2", "not a user's name"][..],
            ),
            (
                entry("ada", "boss", HASH),
                &["accounts.toml:3", "no such role", "operator"],
            ),
            (
                entry("ada", "viewer", "hunter22"),
                &["accounts.toml:4", "set-password"],
            ),
            (
                entry("ada", "viewer", &HASH.replace("m=19456", "m=4194304")),
                &["accounts.toml:4", "more than 256 MiB"],
            ),
            (entry("ada", "viewer", HASH).repeat(2), &["listed twice"]),
            (
                "[[account]]\nname = \"ada\"\n".to_owned(),
                &["`account.role`", "`account.password`"],
            ),
            ("[[acount]]\n".to_owned(), &["did you mean `account`?"]),
            ("{}".to_owned(), &["not TOML"]),
        ] {
            let said = parse("accounts.toml", &text).unwrap_err().to_string();
            assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
            assert!(!said.contains("hunter22"), "{said}");
        }
    }
}
