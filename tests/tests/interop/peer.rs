//! Runs the real s3db.js, or gives its recorded answers.

use std::path::{Path, PathBuf};
use std::process::Command;

use s3db::store::ETag;
use serde_json::{Value, json};

/// What s3db.js makes of a database, by the script of that name, recorded under it.
pub(super) fn visit(name: &str, input: &Value) -> Value {
    visit_as(name, name, input)
}

/// The same for one of several databases that go through one script, each recorded under a name of its own.
pub(super) fn visit_as(recording: &str, name: &str, input: &Value) -> Value {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let recording = fixtures.join(recording).with_extension("json");
    match std::env::var_os("S3DB_TEST_PEER") {
        Some(peer) => {
            let output = run(&PathBuf::from(peer), name, input);
            if std::env::var_os("S3DB_RECORD").is_some() {
                let text =
                    serde_json::to_string(&json!({"written": digest(input), "output": output})).unwrap();
                std::fs::write(&recording, text).unwrap();
            }
            output
        }
        None => {
            println!(
                "recorded answers of s3db.js are used: S3DB_TEST_PEER is not set (`cargo xtask peer install`)"
            );
            let text = std::fs::read_to_string(&recording).expect("the recording is there");
            let recorded: Value = serde_json::from_str(&text).expect("the recording is JSON");
            let same = recorded["written"] == json!(digest(input));
            assert!(
                same,
                "we write other bytes than when s3db.js was recorded: record again with S3DB_RECORD=1"
            );
            recorded["output"].clone()
        }
    }
}

fn digest(input: &Value) -> String {
    ETag::md5_of(input["objects"].to_string().as_bytes()).to_string()
}

fn run(peer: &Path, name: &str, input: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (input_file, output_file) = (folder.path().join("input.json"), folder.path().join("output.json"));
    std::fs::write(&input_file, input.to_string()).unwrap();
    // A module is resolved from its own folder, so that the script must lie beside node_modules.
    let name = format!("{name}.mjs");
    let script = peer.join(&name);
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("peer").join(&name), &script).unwrap();
    let node = peer.join("node_modules/.bin/node");
    let status = Command::new(node).arg(&script).args([&input_file, &output_file]).current_dir(peer).status();
    assert!(status.expect("node starts").success(), "the script failed");
    serde_json::from_str(&std::fs::read_to_string(output_file).unwrap()).unwrap()
}
