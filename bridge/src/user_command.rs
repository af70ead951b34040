//! `hearth user …`: the accounts of mode `users`.

use std::{
    error::Error,
    io::{self, Read as _},
    path::Path,
};

use clap::Subcommand;
use hearth::auth::{
    Role,
    accounts::{Account, AccountsError, AccountsFile, check_name, new_password},
};

/// A password that is longer was not typed by anybody.
const LONGEST_INPUT_BYTES: u64 = 4_096;

#[derive(Debug, clap::Args)]
pub(crate) struct UserCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account
    Add {
        /// 1 to 64 letters, digits, or . _ - @
        name: String,
        /// viewer: looks; operator: looks and acts; admin: everything
        #[arg(long, value_parser = role, default_value = "viewer")]
        role: Role,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Remove an account; its logins end at once
    Remove { name: String },
    /// Show the accounts and their roles
    List,
    /// Give an account a new password; its logins end at once
    SetPassword {
        name: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Give an account another role; its logins end at once
    SetRole {
        name: String,
        /// viewer: looks; operator: looks and acts; admin: everything
        #[arg(long, value_parser = role)]
        role: Role,
    },
}

#[derive(Debug, clap::Args)]
struct PasswordSource {
    /// Read the password from standard input, up to the end of its first line, instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "expected viewer, operator or admin".to_owned())
}

impl UserCommand {
    pub(crate) fn run(self, accounts_file: &Path) -> Result<(), Box<dyn Error>> {
        let file = AccountsFile::new(accounts_file);
        match self.action {
            Action::Add { name, role, password } => {
                check_name(&name)?;
                if file.read()?.contains_key(&name) {
                    return Err(AccountsError::Taken(name).into());
                }
                let account = Account::new(role, &password.read()?)?;
                file.edit(|accounts| match accounts.contains_key(&name) {
                    true => Err(AccountsError::Taken(name.clone())),
                    false => {
                        accounts.insert(name.clone(), account);
                        Ok(())
                    }
                })?;
                crate::say(format_args!(
                    "{name} may log in as {} ({})",
                    role.word(),
                    file.path().display()
                ))?;
            }
            Action::Remove { name } => {
                file.edit(|accounts| match accounts.remove(&name) {
                    Some(_) => Ok(()),
                    None => Err(AccountsError::Unknown(name.clone())),
                })?;
                crate::say(format_args!("{name} is removed"))?;
            }
            Action::List => {
                for (name, account) in file.read()? {
                    crate::say(format_args!("{name}\t{}", account.role.word()))?;
                }
            }
            Action::SetPassword { name, password } => {
                let known = file.read()?.contains_key(&name);
                if !known {
                    return Err(AccountsError::Unknown(name).into());
                }
                let password = new_password(&password.read()?)?;
                change(&file, &name, |account| account.password = password)?;
                crate::say(format_args!("{name} has a new password"))?;
            }
            Action::SetRole { name, role } => {
                change(&file, &name, |account| account.role = role)?;
                crate::say(format_args!("{name} is {} now", role.word()))?;
            }
        }
        Ok(())
    }
}

fn change(file: &AccountsFile, name: &str, change: impl FnOnce(&mut Account)) -> Result<(), AccountsError> {
    file.edit(|accounts| {
        let account = accounts
            .get_mut(name)
            .ok_or_else(|| AccountsError::Unknown(name.to_owned()))?;
        change(account);
        Ok(())
    })
}

impl PasswordSource {
    fn read(&self) -> Result<String, Box<dyn Error>> {
        if self.password_stdin {
            let mut text = String::new();
            io::stdin().take(LONGEST_INPUT_BYTES).read_to_string(&mut text)?;
            return Ok(text.lines().next().unwrap_or_default().to_owned());
        }
        let ask = |prompt| {
            rpassword::prompt_password(prompt).map_err(|error| {
                format!("there is no terminal to ask for the password ({error}); use --password-stdin")
            })
        };
        let password = ask("Password: ")?;
        if password != ask("Again: ")? {
            return Err("the passwords differ; nothing was changed".into());
        }
        Ok(password)
    }
}
