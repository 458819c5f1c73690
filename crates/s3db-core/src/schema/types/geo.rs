//! Points on the globe.

use serde_json::{Map, Value, json};

use super::formats::Verdict;
use super::number::from_json;

/// `[latitude, longitude]` or an object with `latitude`/`lat` and `longitude`/`lon`/`lng`; written
/// `{latitude, longitude}`.
pub(super) fn point(value: &Value) -> Verdict {
    let pair = match value {
        Value::Array(items) => match items.as_slice() {
            [lat, lon] => Some((lat, lon)),
            _ => None,
        },
        Value::Object(map) => {
            member(map, &["latitude", "lat"]).zip(member(map, &["longitude", "lon", "lng"]))
        }
        _ => None,
    };
    let within = |value: &Value, limit: f64| {
        let number = matches!(value, Value::Number(_)).then(|| from_json(value))??;
        (number.abs() <= limit).then(|| value.clone())
    };
    let checked = pair.and_then(|(lat, lon)| within(lat, 90.0).zip(within(lon, 180.0)));
    match (checked, value) {
        (None, _) => Verdict::Wrong("geoPoint"),
        (Some(_), Value::Object(map))
            if map.len() == 2 && map.contains_key("latitude") && map.contains_key("longitude") =>
        {
            Verdict::Keep
        }
        (Some((latitude, longitude)), _) => {
            Verdict::Replace(json!({ "latitude": latitude, "longitude": longitude }))
        }
    }
}

fn member<'a>(map: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| map.get(*name))
}
