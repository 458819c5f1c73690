//! What the README promises somebody who begins: its code in a new crate, outside the workspace, prints what it says.

use std::path::Path;
use std::process::Command;

/// The blocks of a language in a text of Markdown.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    text.split(&open).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}

#[test]
fn the_code_of_the_readme_compiles_in_a_new_crate_and_prints_what_the_readme_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let readme = read("README.md");
    let (dependencies, code, printed) =
        (blocks(&readme, "toml")[0], blocks(&readme, "rust")[0], blocks(&readme, "text")[0]);

    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    let package =
        "[package]\nname = \"newcomer\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n";
    // What lies here is what is tested. The code asks for no S3, which would take longer than all the rest.
    let ours = format!(
        "s3db = {{ path = {:?}, default-features = false, features = [\"derive\"] }}\n",
        root.join("crates/s3db")
    );
    let published = "s3db = \"0.1\"\n";
    assert!(dependencies.contains(published), "{dependencies}");
    let dependencies = dependencies.replace(published, &ours);
    // Dependencies that others have built in the same way are not built again.
    let workspace = read("Cargo.toml");
    let profiles = &workspace[workspace.find("[profile.dev]").unwrap()..];
    write("Cargo.toml", &format!("{package}{dependencies}\n{profiles}"));
    // The versions that the workspace is tested with, which are here without a network.
    write("Cargo.lock", &read("Cargo.lock"));
    std::fs::create_dir(folder.path().join("src")).unwrap();
    write("src/main.rs", code);

    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|above| above.ends_with("debug") || above.ends_with("release"));
    let cargo = |command: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(command).args(["--offline", "--quiet", "--color=never"]).current_dir(folder.path());
        cargo.env("CARGO_TARGET_DIR", target.and_then(Path::parent).unwrap()).env_remove("RUSTFLAGS");
        let output = cargo.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command:?}: {out}{}", String::from_utf8_lossy(&output.stderr));
        (out, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (out, warnings) = cargo(&["run"]);
    assert_eq!(out, printed);
    assert_eq!(warnings, "", "the compiler has something to say of the code of the README");
}
