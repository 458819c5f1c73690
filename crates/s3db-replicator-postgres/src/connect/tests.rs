use s3db_core::ErrorKind;

use super::*;

fn recipe(text: &str) -> Recipe {
    Recipe::new(&PostgresOptions::new().connection_string(text)).unwrap()
}

#[test]
fn a_connection_string_may_say_how_it_is_encrypted() {
    #[track_caller]
    fn check(text: &str, ssl: Ssl, root_ca: Option<&str>) {
        let recipe = recipe(text);
        assert_eq!(recipe.ssl, ssl);
        assert_eq!(recipe.root_ca.as_deref(), root_ca);
    }
    check("postgres://u:p@h/d", Ssl::Prefer, None);
    check("postgres://u:p@h/d?sslmode=disable&application_name=x", Ssl::Disable, None);
    check("postgresql://u:p@h/d?sslmode=require", Ssl::Require, None);
    check(
        "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        Ssl::VerifyFull,
        Some("/etc/ca.pem"),
    );
    check("host=h user=u sslmode=require", Ssl::Require, None);
}

#[test]
fn options_go_before_the_connection_string() {
    let options = PostgresOptions::new()
        .connection_string("postgres://u:p@h:1/d?application_name=x")
        .host("other")
        .user("v")
        .ssl(Ssl::Disable);
    let config = Recipe::new(&options).unwrap().config;
    assert_eq!(config.get_hosts(), [tokio_postgres::config::Host::Tcp("other".to_owned())]);
    assert_eq!(config.get_ports(), [1]);
    assert_eq!(config.get_user(), Some("v"));
    assert_eq!(config.get_password(), Some(b"p".as_slice()));
    assert_eq!(config.get_dbname(), Some("d"));
    assert_eq!(config.get_application_name(), Some("x"));
}

#[test]
fn a_broken_connection_string_is_refused_without_being_shown() {
    for text in ["postgres://u:hunter2@h:port/d", "host=h password=a hunter2=b", "hunter2"] {
        let error = Recipe::new(&PostgresOptions::new().connection_string(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?} {}", error.to_json()).contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_certificate_that_nobody_looks_at_is_refused() {
    let options = PostgresOptions::new().ssl(Ssl::Require).root_ca("/etc/ca.pem");
    assert_eq!(Recipe::new(&options).unwrap_err().context("option"), Some("root_ca"));
}

#[test]
fn a_password_is_shown_nowhere() {
    let options = PostgresOptions::new().connection_string("postgres://u:hunter2@h/d").password("hunter3");
    let connections = Connections::new(Recipe::new(&options).unwrap());
    let shown = format!("{options:?} {connections:?}");
    assert!(!shown.contains("hunter"), "{shown}");
}
