//! What the clients of a world are going to do.

use super::client::Act;
use super::{COUNTER, STATUSES, is_about_indexes, is_about_partitions};
use crate::random::SplitMix;

/// What a client is going to do.
pub(super) fn acts(seed: u64, number: u64, clients: u64, random: &mut SplitMix) -> Vec<Act> {
    let mine = format!("m{number}");
    let mut acts =
        vec![Act::CreateResource(format!("own{number}")), Act::Insert(mine), Act::Insert("a".to_owned())];
    if number == 0 {
        acts.push(Act::Insert(COUNTER.to_owned()));
    }
    let email =
        |random: &mut SplitMix| format!("{}@example.com", ["ann", "bob", "eve"][random.below(3) as usize]);
    // In some worlds all clients change a few users, in others mostly documents.
    let about_users = seed.is_multiple_of(3) && !is_about_partitions(seed);
    for act in 0..4 + random.below(10) {
        let shared =
            if random.below(2) == 0 { "a".to_owned() } else { format!("m{}", random.below(clients)) };
        let status = STATUSES[random.below(STATUSES.len() as u64) as usize];
        let tag = number * 100 + act;
        if is_about_indexes(seed) && random.below(3) == 0 {
            acts.push(match random.below(4) {
                0 => Act::Flush,
                1 | 2 => Act::Fsck,
                _ => {
                    let longest_ms = [1_000, 60_000, 40 * 60_000][random.below(3) as usize];
                    Act::Rest(random.below(longest_ms))
                }
            });
        }
        if is_about_partitions(seed) && random.below(3) > 0 {
            acts.push(Act::Set(shared, status, tag));
            continue;
        }
        acts.push(match random.below(if about_users { 40 } else { 16 }) {
            0 | 1 => Act::Add(COUNTER.to_owned()),
            2 | 3 => Act::Add(shared),
            4..=6 => Act::Set(shared, status, tag),
            7 => Act::Replace("a".to_owned(), status, tag),
            8 => Act::Get(shared),
            14 | 15 => Act::DeleteSeen(shared.replace('a', "m0")),
            9 => Act::Delete(format!("m{}", random.below(clients))),
            10 | 11 | 16..20 => Act::AddUser(format!("u{number}-{act}"), email(random)),
            12 | 20.. => Act::ChangeUser(random.word(), email(random)),
            _ => Act::RemoveUser(random.word()),
        });
    }
    acts
}
