use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

fn token_file(file: &Path) -> CredentialsConfig {
    CredentialsConfig::ServiceAccountToken {
        file: file.to_owned(),
        as_password: false,
    }
}

fn enhanced(token: &str) -> Credentials {
    Credentials::Enhanced {
        method: "K8S-SAT".into(),
        data: SecretBytes::new(token.as_bytes()),
    }
}

#[tokio::test]
async fn a_password_comes_from_the_configuration_or_a_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "hunter2\r\n").unwrap();
    for password in [
        PasswordSource::Text(Secret::new("hunter2")),
        PasswordSource::File(file),
    ] {
        let source = CredentialSource::new(CredentialsConfig::UserName {
            user_name: "ada".into(),
            password: Some(password),
        });
        let found = source.current().await.unwrap();
        assert_eq!(
            found,
            Credentials::UserNamePassword {
                user_name: "ada".into(),
                password: Some(Secret::new("hunter2"))
            }
        );
        assert!(!format!("{found:?}{source:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn blanks_at_the_end_belong_to_a_password_and_not_to_a_token() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "hunter2 \t\r\n\n").unwrap();
    let source = CredentialSource::new(CredentialsConfig::UserName {
        user_name: "ada".into(),
        password: Some(PasswordSource::File(file.clone())),
    });
    assert_eq!(
        source.current().await.unwrap(),
        Credentials::UserNamePassword {
            user_name: "ada".into(),
            password: Some(Secret::new("hunter2 \t"))
        }
    );
    let source = CredentialSource::new(token_file(&file));
    assert_eq!(source.current().await.unwrap(), enhanced("hunter2"));
}

#[tokio::test]
async fn only_a_regular_file_is_read() {
    let folder = TempDir::new().unwrap();
    let source = CredentialSource::new(token_file(folder.path()));
    let said = source.current().await.unwrap_err().to_string();
    assert!(
        said.contains("cannot be read: this is not a regular file"),
        "{said}"
    );
}

#[tokio::test]
async fn a_token_is_enhanced_authentication_or_a_password() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "e30.e30.sig\n").unwrap();
    let source = CredentialSource::new(token_file(&file));
    assert_eq!(source.current().await.unwrap(), enhanced("e30.e30.sig"));
    let source = CredentialSource::new(CredentialsConfig::ServiceAccountToken {
        file,
        as_password: true,
    });
    assert_eq!(
        source.current().await.unwrap(),
        Credentials::UserNamePassword {
            user_name: "K8S-SAT".into(),
            password: Some(Secret::new("e30.e30.sig"))
        }
    );
}

#[tokio::test]
async fn a_file_without_usable_credentials_is_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    let source = CredentialSource::new(token_file(&file));
    let told = || async { source.current().await.unwrap_err().to_string() };
    assert!(told().await.contains("token cannot be read: No such file"));
    fs::write(&file, " \n").unwrap();
    assert!(told().await.contains("token is empty"));
    fs::write(&file, vec![b'x'; 65_536]).unwrap();
    assert!(told().await.contains("more than the 65535 bytes"));
    fs::write(&file, vec![b'x'; 65_535]).unwrap();
    assert!(source.current().await.is_ok());
    fs::write(&file, [0xff]).unwrap();
    let source = CredentialSource::new(CredentialsConfig::ServiceAccountToken {
        file,
        as_password: true,
    });
    assert!(
        source
            .current()
            .await
            .unwrap_err()
            .to_string()
            .contains("not UTF-8")
    );
}

/// As Kubernetes does it: `token` → `..data/token`, and `..data` → a folder with a new name each time.
fn publish(folder: &Path, version: u32, token: &str) {
    let real = folder.join(format!("..version-{version}"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("token"), token).unwrap();
    symlink(real.file_name().unwrap(), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

#[tokio::test]
async fn a_swapped_symbolic_link_is_noticed_and_the_new_token_is_read() {
    let folder = TempDir::new().unwrap();
    publish(folder.path(), 1, "first");
    let file = folder.path().join("token");
    symlink("..data/token", &file).unwrap();
    let source = CredentialSource::watched(token_file(&file));
    let mut changes = source.changes();
    for version in 2..5 {
        let token = format!("token {version}");
        publish(folder.path(), version, &token);
        timeout(Duration::from_secs(10), changes.changed())
            .await
            .expect("the change is noticed")
            .unwrap();
        assert_eq!(source.current().await.unwrap(), enhanced(&token));
    }
}
