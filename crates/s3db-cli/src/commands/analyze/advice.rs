//! What the weights of documents say about their resource.

use s3db::behavior::Behavior;

use super::Analysis;

/// A field that takes this part of all bytes, in percent, is worth a word.
const HEAVY_PERCENT: usize = 50;

/// Documents that reach this part of the limit, in percent, are near it.
const NEAR_PERCENT: usize = 80;

/// The behavior that suits the documents.
///
/// As long as most fit, the fields of most are in the metadata and what does not fit is split off: nothing is lost.
/// Where most do not fit, the body is where documents belong, and one place is simpler than two.
pub(super) fn suits(analysis: &Analysis) -> Behavior {
    let current = analysis.behavior.parse::<Behavior>().ok();
    match analysis.percent(analysis.over_limit) {
        _ if analysis.over_limit == 0 && current == Some(Behavior::EnforceLimits) => Behavior::EnforceLimits,
        percent if percent > 50 => Behavior::BodyOnly,
        _ => Behavior::BodyOverflow,
    }
}

/// Sentences for the user.
pub(super) fn of(analysis: &Analysis) -> Vec<String> {
    let mut advice = Vec::new();
    let limit = analysis.limit_bytes;
    if analysis.weighed() == 0 {
        return advice;
    }
    match analysis.over_limit {
        0 => advice.push("every document that was weighed fits into the metadata".to_owned()),
        over => advice.push(format!(
            "{} % of the documents do not fit into the metadata ({over} of {})",
            analysis.percent(over),
            analysis.weighed()
        )),
    }
    let largest = analysis.percentile(100);
    if analysis.over_limit == 0 && largest * 100 >= limit * NEAR_PERCENT {
        advice.push(format!("the largest is at {} % of the limit", 100 * largest / limit.max(1)));
    }
    if let Ok(current) = analysis.behavior.parse::<Behavior>() {
        let fates = analysis.fates(current);
        match current {
            Behavior::TruncateData if fates.cut > 0 => advice.push(format!(
                "truncate-data loses parts of {} % of such documents: body-overflow keeps all",
                analysis.percent(fates.cut)
            )),
            Behavior::TruncateData => {
                advice.push("truncate-data loses what does not fit: body-overflow keeps all".to_owned());
            }
            Behavior::EnforceLimits if analysis.percentile(95) * 100 >= limit * NEAR_PERCENT => {
                advice.push(
                    "enforce-limits refuses what grows past the limit: body-overflow takes it".to_owned(),
                );
            }
            Behavior::UserManaged if analysis.over_limit > 0 => advice.push(
                "user-managed puts all of a document into the body as soon as it does not fit".to_owned(),
            ),
            _ => {}
        }
    }
    let heavy = analysis.heaviest();
    if let Some((name, field)) = heavy.first().filter(|_| heavy.len() > 1) {
        let share = analysis.share(field.bytes);
        if share >= HEAVY_PERCENT {
            advice.push(format!("{name} takes {share} % of all bytes"));
        }
    }
    advice
}
