//! Which keys can hold an object.

use futures::future::join_all;

use crate::Result;
use crate::doctor::trial::Trial;
use crate::doctor::{ExamineOptions, Finding, Probe};
use crate::store::{KEY_BYTES_MAX, ListRequest, PutObject, Requests};

/// Pairs of a probe and a key: a plain one, and those that some servers cannot take.
const KEYS: [(Probe, &str); 13] = [
    (Probe::KeyCharacters, "plain/id= !\"#$&'()*+,-.:;<>?@[]^_`{|}~"),
    (Probe::KeyCharacters, "plain/id=é日本😀ÿ"),
    (Probe::KeyCharacters, "plain/id=a+b c"),
    (Probe::KeyDistinct, "plain/id=Case"),
    (Probe::KeyDistinct, "plain/id=case"),
    (Probe::KeyDistinct, "plain/id=caf\u{e9}"),
    (Probe::KeyDistinct, "plain/id=cafe\u{301}"),
    (Probe::KeyControlCharacters, "control/id=a\u{1}b\tc\nd"),
    (Probe::KeyLength, "long/id="),
    (Probe::KeyDoubleSlash, "slash/a//b"),
    (Probe::KeyDoubleSlash, "slash/a/b"),
    (Probe::KeyBelowKey, "below/a"),
    (Probe::KeyBelowKey, "below/a/b"),
];

/// What is listed apart, so that a key that breaks a listing is known.
const FOLDERS: [&str; 5] = ["plain/", "control/", "long/", "slash/", "below/"];

const PROBES: [Probe; 6] = [
    Probe::KeyCharacters,
    Probe::KeyDistinct,
    Probe::KeyControlCharacters,
    Probe::KeyLength,
    Probe::KeyDoubleSlash,
    Probe::KeyBelowKey,
];

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    let keys = KEYS.len() as u64;
    Requests { put: keys, get: keys, list: FOLDERS.len() as u64, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let keys = KEYS.map(|(probe, name)| (probe, full_name(trial, probe, name)));
    let put = keys.iter().enumerate().map(|(at, (_, name))| {
        let object = PutObject { body: at.to_string().into(), ..PutObject::default() };
        trial.put_odd(name, object)
    });
    let answers = join_all(put).await.into_iter().collect::<Result<Vec<_>>>()?;
    let got = join_all(keys.iter().map(|(_, name)| trial.get_odd(name))).await;
    let got = got.into_iter().collect::<Result<Vec<_>>>()?;
    let mut listed = Vec::new();
    for folder in FOLDERS {
        // A key may well break the listing of its folder; then it is not listed.
        if let Ok(page) = trial.list(ListRequest::prefix(folder_name(folder))).await {
            listed.extend(trial.names(&page));
        }
    }
    let mut findings = PROBES.map(|probe| Finding::holds(probe, "kept, read and listed"));
    for (at, ((probe, name), (answer, found))) in keys.iter().zip(answers.iter().zip(&got)).enumerate() {
        let complaint = answer.reason().or_else(|| match found {
            None => Some("it cannot be read".to_owned()),
            Some(found) if found.body != at.to_string() => Some("another key has taken its place".to_owned()),
            Some(_) => (!listed.contains(name)).then(|| "it is missing from listings".to_owned()),
        });
        let finding = findings.iter_mut().find(|finding| finding.probe == *probe);
        if let (Some(complaint), Some(finding)) = (complaint, finding)
            && finding.consequence.is_empty()
        {
            *finding = Finding::fails(*probe, format!("{}: {complaint}", shown(name)));
        }
    }
    Ok(findings.into())
}

fn folder_name(folder: &str) -> String {
    format!("keys/{folder}")
}

/// The name of a key; that of the longest has as many bytes as a key may have.
fn full_name(trial: &Trial<'_>, probe: Probe, name: &str) -> String {
    let mut name = folder_name(name);
    if probe == Probe::KeyLength {
        let room = KEY_BYTES_MAX.saturating_sub(trial.root.len() + name.len());
        name.push_str(&"x".repeat(room));
    }
    name
}

/// The last part of a name, short.
fn shown(name: &str) -> String {
    let name = name.splitn(3, '/').nth(2).unwrap_or(name);
    match name.char_indices().nth(40) {
        None => format!("{name:?}"),
        Some((at, _)) => format!("{:?}… of {} bytes", name.get(..at).unwrap_or_default(), name.len()),
    }
}
