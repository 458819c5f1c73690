//! No key, secret or token in an error, a log line or `Debug`.

use s3db::connection::Credentials;
use s3db::store::{Condition, PutObject, Store};
use s3db_testkit::s3_server::{Access, ServerOptions};

use super::{config, connect, server};
use crate::log::Log;

const SECRET: &str = "hunter2-hunter2-hunter2";
const TOKEN: &str = "tokentokentoken";

#[tokio::test]
async fn nothing_shows_the_secret_or_the_token() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        // All of the client, and nothing of the library under the server, which shows whole requests.
        .with_env_filter("trace,s3s=off")
        .with_writer(log.clone())
        .finish();
    let mut shown = String::new();
    {
        let _guard = tracing::subscriber::set_default(subscriber);
        for access in [Access::Full, Access::Denied] {
            let mut options = ServerOptions::default();
            options.secret_access_key = SECRET.into();
            options.access = access;
            let server = server(options).await;
            for secret in [SECRET, "hunter2-and-wrong"] {
                let credentials = Credentials::new("test", secret).with_session_token(TOKEN);
                let settings = config(&server.connection_string()).credentials(credentials);
                shown.push_str(&format!("{settings:?}"));
                let store = connect(settings.attempts_max(1)).await;
                shown.push_str(&format!("{store:?}"));
                let put = store.put("a", PutObject::default(), Condition::IfAbsent).await;
                shown.push_str(&format!("{put:?}"));
                let head = store.head("absent").await;
                shown.push_str(&format!("{head:?}"));
            }
            server.stop().await;
        }
    }
    let log = log.text();
    assert!(log.contains("PutObject"), "the log of the SDK was not caught");
    for text in [&shown, &log] {
        for secret in ["hunter2", TOKEN] {
            let at = text.find(secret);
            let around = at.map(|at| text.get(at.saturating_sub(200)..at + 40).unwrap_or(text));
            assert!(at.is_none(), "{around:?}");
        }
    }
}
