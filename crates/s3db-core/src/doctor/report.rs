//! What an examination found, and what it means.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use super::Probe;
use crate::store::{Capability, Requests};

/// How far a store does what s3db relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not do as AWS S3 does, which costs no promise of s3db.
    Differs,
    /// It does not, and a promise is lost.
    Lost,
}

/// The outcome of one probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What was tried.
    pub probe: Probe,
    /// What came out.
    pub verdict: Verdict,
    /// What the store did.
    pub observed: String,
    /// What it means for s3db; empty when nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub consequence: Cow<'static, str>,
    /// What to do about it; empty when nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub advice: Cow<'static, str>,
}

/// The outcome of an examination.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// One for each probe, in the order of running.
    pub findings: Vec<Finding>,
    /// Requests that were sent.
    pub requests: Requests,
    /// Keys of objects that could not be removed.
    pub left_behind: Vec<String>,
    /// Whether every probe ran.
    pub complete: bool,
    /// What the store says of itself.
    pub(super) declared: Capability,
}

impl Report {
    /// Whether every probe ran and no promise of s3db is lost on this store.
    pub fn is_safe(&self) -> bool {
        self.complete && self.with(Verdict::Lost).next().is_none()
    }

    /// The findings with a verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.verdict == verdict)
    }

    /// The finding of a probe, if it ran.
    pub fn finding(&self, probe: Probe) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.probe == probe)
    }

    /// What the store can do: what it says of itself, without what it was seen not to do. Give it to the store, such as
    /// by `S3Config::capability`, and s3db does not rely on the rest.
    pub fn capability(&self) -> Capability {
        let holds = |probes: &[Probe]| {
            probes
                .iter()
                .all(|probe| self.finding(*probe).is_none_or(|found| found.verdict == Verdict::Holds))
        };
        let mut out = self.declared.clone();
        out.conditional_put &=
            holds(&[Probe::PutIfAbsent, Probe::PutIfMatch, Probe::RacePutIfAbsent, Probe::RacePutIfMatch]);
        out.conditional_delete &= holds(&[Probe::DeleteIfMatch, Probe::RaceDeleteIfMatch]);
        out.conditional_copy &= holds(&[Probe::ConditionalCopy, Probe::RaceCopyIfAbsent]);
        out.copy_replaces_metadata &= holds(&[Probe::CopyReplacesMetadata]);
        out.list_is_consistent &= holds(&[Probe::ListAfterWrite]);
        out.list_is_ordered &= holds(&[Probe::ListOrder, Probe::ListOrderAcrossLevels]);
        out.keeps_empty_metadata &= holds(&[Probe::MetadataEmptyValues]);
        out.keeps_double_slash &= holds(&[Probe::KeyDoubleSlash]);
        if !holds(&[Probe::KeyLength]) {
            out.key_segment_bytes_max = out.key_segment_bytes_max.min(SEGMENT_BYTES_SAFE);
        }
        out
    }
}

/// What every file system holds in one name.
const SEGMENT_BYTES_SAFE: usize = 255;

impl Finding {
    pub(super) fn holds(probe: Probe, observed: impl Into<String>) -> Self {
        Self {
            probe,
            verdict: Verdict::Holds,
            observed: observed.into(),
            consequence: "".into(),
            advice: "".into(),
        }
    }

    /// With the verdict and the words that the probe has for a store that fails it.
    pub(super) fn fails(probe: Probe, observed: impl Into<String>) -> Self {
        let row = probe.row();
        Self {
            verdict: row.verdict,
            consequence: row.consequence.into(),
            advice: row.advice.into(),
            ..Self::holds(probe, observed)
        }
    }

    /// A failure that costs less, or more, than the one that the probe has words for.
    pub(super) fn other(
        probe: Probe,
        verdict: Verdict,
        observed: impl Into<String>,
        consequence: &'static str,
        advice: &'static str,
    ) -> Self {
        Self {
            verdict,
            consequence: consequence.into(),
            advice: advice.into(),
            ..Self::holds(probe, observed)
        }
    }

    /// Holds without a complaint; else fails with the first one.
    pub(super) fn unless(probe: Probe, complaint: Option<String>, observed: impl Into<String>) -> Self {
        match complaint {
            None => Self::holds(probe, observed),
            Some(complaint) => Self::fails(probe, complaint),
        }
    }
}

impl Verdict {
    /// Short lower-case name, stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Differs => "differs",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
