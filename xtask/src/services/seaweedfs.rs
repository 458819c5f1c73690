//! SeaweedFS: an independent S3 server whose conditions hold under concurrency.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::process::{Server, free_port, http_status, http_status_with};

const KEY: &str = "test";
const SECRET: &str = "testsecret";

/// How often it is started anew, with other ports and no data, before the failure is told.
const STARTS_MAX: u32 = 3;

/// Starts it, makes the bucket, and returns its connection string.
pub(super) fn start(bin: &Path) -> Result<(Server, String)> {
    for _ in 1..STARTS_MAX {
        match start_once(bin) {
            Ok(started) => return Ok(started),
            Err(error) => eprintln!("SeaweedFS is started again: {error:#}"),
        }
    }
    start_once(bin)
}

fn start_once(bin: &Path) -> Result<(Server, String)> {
    let data = super::folder()?.join("seaweedfs");
    if data.exists() {
        std::fs::remove_dir_all(&data).context("remove old data")?;
    }
    std::fs::create_dir_all(&data)?;
    // Every port also takes the one 10,000 above it.
    let [s3, master, volume, filer, admin] = [(); 5].map(|()| free_port(10_000));
    let (s3, master, filer) = (s3?, master?, filer?);
    let weed = bin.join("weed");
    let mut command = Command::new(&weed);
    command.arg("mini").arg(format!("-dir={}", data.display())).args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
    for (name, port) in
        [("s3", s3), ("master", master), ("volume", volume?), ("filer", filer), ("admin", admin?)]
    {
        command.arg(format!("-{name}.port={port}"));
    }
    command
        .args(["-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"])
        .args(["-volume.max=2000", "-master.volumeSizeLimitMB=64", "-s3.domainName=localhost"])
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    let mut server = Server::start("seaweedfs", &mut command, &data.join("log.txt"))?;
    // An unsigned request is refused as soon as the server works.
    server.wait("answer", || http_status(s3, "GET", "/").is_some())?;
    server.wait("make a bucket", || make_bucket(&weed, master, filer).is_ok())?;
    // It starts and then takes no body where less than a hundredth of the disk is free.
    server.wait("keep a body, as when the disk is nearly full", || keeps_a_body(filer))?;
    Ok((server, format!("http://{KEY}:{SECRET}@127.0.0.1:{s3}/{}", super::BUCKET)))
}

/// Whether the bucket takes a body and gives it back. It has its bucket before a volume can be written, and until then
/// each write hangs. The filer is asked, which takes unsigned requests and writes as the S3 server does.
fn keeps_a_body(filer: u16) -> bool {
    let path = format!("/buckets/{}/written-at-start", super::BUCKET);
    let answers = [("PUT", "a body"), ("GET", ""), ("DELETE", "")]
        .map(|(method, body)| http_status_with(filer, method, &path, body));
    answers.iter().all(|status| status.is_some_and(|status| (200..300).contains(&status)))
}

fn make_bucket(weed: &Path, master: u16, filer: u16) -> Result<()> {
    let mut shell = Command::new(weed)
        .arg("shell")
        .args([format!("-master=127.0.0.1:{master}"), format!("-filer=127.0.0.1:{filer}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = shell.stdin.take() {
        writeln!(input, "s3.bucket.create -name={}", super::BUCKET)?;
    }
    let output = shell.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("created bucket"), "the bucket was not made: {said}");
    Ok(())
}
