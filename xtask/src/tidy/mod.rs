//! Checks of what no compiler sees. Each rule is a function that lists its complaints.

/// Runs every rule, prints all complaints, and fails when there is one.
pub(crate) fn run() -> anyhow::Result<()> {
    let complaints: Vec<String> = Vec::new();
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        anyhow::bail!("tidy found {} complaints", complaints.len());
    }
    println!("tidy: all rules hold");
    Ok(())
}
