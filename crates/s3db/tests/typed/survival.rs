//! Any value of a derived type survives being written and read, whatever the behavior.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use s3db::behavior::Behavior;
use s3db::typed::Typed;
use s3db::typed::TypedDocument as _;
use s3db::{Database, Document};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[document(resource = "everything")]
struct Everything {
    text: String,
    optional_text: Option<String>,
    letter: char,
    flag: Option<bool>,
    small: i8,
    large: u64,
    negative: i64,
    fraction: f64,
    optional_fraction: Option<f32>,
    texts: Vec<String>,
    numbers: Vec<f64>,
    integers: Vec<i32>,
    optional_items: Vec<Option<u8>>,
    nested_lists: Vec<Vec<u16>>,
    pair: [i16; 2],
    tuple: Pair,
    map: BTreeMap<String, i32>,
    maps: BTreeMap<String, Vec<Inner>>,
    optional_map: Option<BTreeMap<String, String>>,
    inner: Inner,
    optional_inner: Option<Inner>,
    inners: Vec<Inner>,
    kind: Kind,
    event: Event,
    events: Vec<Event>,
    wrapped: Wrapped,
    ip: IpAddr,
    ip4: Ipv4Addr,
    ip6: Option<Ipv6Addr>,
    at: jiff::Timestamp,
    day: jiff::civil::Date,
    time: Option<jiff::civil::Time>,
    key: uuid::Uuid,
    free: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
struct Inner {
    r#type: String,
    count: Option<u32>,
    deeper: Option<Deeper>,
    marks: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
struct Deeper {
    note: Option<String>,
    level: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Document)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Null,
    InProgress,
    #[serde(rename = "über, alles")]
    Odd,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
enum Event {
    Left,
    Moved(i32, i32),
    Joined { room: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
struct Pair(u8, String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
struct Wrapped(String);

/// Texts of any letters, and those that look like something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        ".{0,60}",
        Just(" blank ".to_owned()),
        Just("null".to_owned()),
        Just("undefined".to_owned()),
        Just("true".to_owned()),
        Just("[1,2]".to_owned()),
        Just("{\"a\":1}".to_owned()),
        Just("a|b\\|c".to_owned()),
        Just("b:bnVsbA==".to_owned()),
        Just("1e5".to_owned()),
        Just("\u{0}\r\n".to_owned()),
    ]
}

fn fraction() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-0.0), Just(0.1), Just(1e-7), Just(1e21), any::<f64>()]
        .prop_filter("JSON has no such number", |n| n.is_finite())
}

fn instant() -> impl Strategy<Value = jiff::Timestamp> {
    (-62_135_596_800_000_i64..253_402_207_200_000)
        .prop_map(|ms| jiff::Timestamp::from_millisecond(ms).unwrap())
}

fn inner() -> impl Strategy<Value = Inner> {
    let deeper = (option::of(text()), any::<i32>()).prop_map(|(note, level)| Deeper { note, level });
    (text(), any::<Option<u32>>(), option::of(deeper), vec(any::<bool>(), 0..3))
        .prop_map(|(r#type, count, deeper, marks)| Inner { r#type, count, deeper, marks })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Left),
        any::<(i32, i32)>().prop_map(|(x, y)| Event::Moved(x, y)),
        text().prop_map(|room| Event::Joined { room }),
    ]
}

fn free() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        text().prop_map(Into::into),
        vec(text(), 0..3).prop_map(Into::into),
    ]
}

prop_compose! {
    fn scalars()(
        text in text(), optional_text in option::of(text()), letter in any::<char>(), flag in any::<Option<bool>>(),
        small in any::<i8>(), large in any::<u64>(), negative in any::<i64>(), fraction in fraction(),
        optional_fraction in option::of(any::<f32>().prop_filter("JSON has no such number", |n| n.is_finite())),
        kind in prop_oneof![Just(Kind::Null), Just(Kind::InProgress), Just(Kind::Odd)],
    ) -> (String, Option<String>, char, Option<bool>, i8, u64, i64, f64, Option<f32>, Kind) {
        (text, optional_text, letter, flag, small, large, negative, fraction, optional_fraction, kind)
    }
}

prop_compose! {
    fn lists()(
        texts in vec(text(), 0..4), numbers in vec(fraction(), 0..4), integers in vec(any::<i32>(), 0..4),
        optional_items in vec(any::<Option<u8>>(), 0..4), nested_lists in vec(vec(any::<u16>(), 0..3), 0..3),
        pair in any::<[i16; 2]>(), tuple in (any::<u8>(), text()), map in btree_map(name(), any::<i32>(), 0..3),
        maps in btree_map(name(), vec(inner(), 0..2), 0..2),
        optional_map in option::of(btree_map(name(), text(), 0..3)),
    ) -> (Vec<String>, Vec<f64>, Vec<i32>, Vec<Option<u8>>, Vec<Vec<u16>>, [i16; 2], Pair, BTreeMap<String, i32>,
          BTreeMap<String, Vec<Inner>>, Option<BTreeMap<String, String>>) {
        let tuple = Pair(tuple.0, tuple.1);
        (texts, numbers, integers, optional_items, nested_lists, pair, tuple, map, maps, optional_map)
    }
}

prop_compose! {
    fn things()(
        inner_ in inner(), optional_inner in option::of(inner()), inners in vec(inner(), 0..3), event_ in event(),
        events in vec(event(), 0..3), wrapped in text(), ip in any::<IpAddr>(), ip4 in any::<Ipv4Addr>(),
        ip6 in any::<Option<Ipv6Addr>>(), at in instant(), day in instant(), time in option::of(0..86_400_000_i64),
    ) -> (Inner, Option<Inner>, Vec<Inner>, Event, Vec<Event>, Wrapped, IpAddr, Ipv4Addr, Option<Ipv6Addr>,
          jiff::Timestamp, jiff::civil::Date, Option<jiff::civil::Time>) {
        let day = day.to_zoned(jiff::tz::TimeZone::UTC).date();
        let midnight = jiff::civil::Time::midnight();
        let time = time.map(|ms| midnight.wrapping_add(jiff::SignedDuration::from_millis(ms)));
        (inner_, optional_inner, inners, event_, events, Wrapped(wrapped), ip, ip4, ip6, at, day, time)
    }
}

/// Names of members of a map; those that reach into JavaScript's objects are dropped everywhere.
fn name() -> impl Strategy<Value = String> {
    text().prop_filter("no document can hold it", |name| {
        !matches!(name.as_str(), "__proto__" | "constructor" | "prototype")
    })
}

fn everything() -> impl Strategy<Value = Everything> {
    (scalars(), lists(), things(), any::<u128>(), free()).prop_map(|(scalars, lists, things, key, free)| {
        let (text, optional_text, letter, flag, small, large, negative, fraction, optional_fraction, kind) =
            scalars;
        let (texts, numbers, integers, optional_items, nested_lists, pair, tuple, map, maps, optional_map) =
            lists;
        let (inner, optional_inner, inners, event, events, wrapped, ip, ip4, ip6, at, day, time) = things;
        let key = uuid::Builder::from_random_bytes(key.to_be_bytes()).into_uuid();
        Everything {
            text,
            optional_text,
            letter,
            flag,
            small,
            large,
            negative,
            fraction,
            optional_fraction,
            texts,
            numbers,
            integers,
            optional_items,
            nested_lists,
            pair,
            tuple,
            map,
            maps,
            optional_map,
            inner,
            optional_inner,
            inners,
            kind,
            event,
            events,
            wrapped,
            ip,
            ip4,
            ip6,
            at,
            day,
            time,
            key,
            free,
        }
    })
}

/// One resource for each behavior. Those that cut or refuse large documents get a store with room for all.
fn resources(runtime: &tokio::runtime::Runtime) -> Vec<(Behavior, Typed<Everything>)> {
    runtime.block_on(async {
        let mut resources = Vec::new();
        for behavior in Behavior::ALL {
            let db = Database::builder(&format!("memory://typed/survival-{behavior}"))
                .unwrap()
                .options(|options| {
                    if matches!(behavior, Behavior::EnforceLimits | Behavior::TruncateData) {
                        options.metadata_bytes_max = 1 << 20;
                    }
                })
                .connect()
                .await
                .unwrap();
            let resource = db.create_resource(Everything::config().behavior(behavior)).await.unwrap();
            resources.push((behavior, Typed::over(resource)));
        }
        resources
    })
}

#[test]
fn any_value_survives_every_behavior() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let resources = resources(&runtime);
    proptest!(ProptestConfig { cases: 96, ..ProptestConfig::default() }, |(value in everything())| {
        runtime.block_on(async {
            for (behavior, resource) in &resources {
                let inserted = resource.insert(&value).await.map_err(|error| TestCaseError::fail(format!("{behavior}: {error:?}")))?;
                prop_assert_eq!(&inserted.value, &value, "inserted with {}", behavior);
                let read = resource.get(&inserted.id).await.map_err(|error| TestCaseError::fail(format!("{behavior}: {error:?}")))?;
                prop_assert_eq!(&read.value, &value, "read with {}", behavior);
                let edited = resource.update_with(&inserted.id, |_| Ok(())).await.map_err(|error| TestCaseError::fail(format!("{behavior}: {error:?}")))?;
                prop_assert_eq!(&edited.value, &value, "written again with {}", behavior);
            }
            Ok(())
        })?;
    });
}
