use s3db::Document;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[document(resource = "everything", behavior = "body-overflow", timestamps)]
#[document(partition(name = "byCity", on = "address.city"))]
#[document(partition(name = "byAge", on = "age: number"))]
pub struct Everything {
    #[document(id)]
    pub id: String,
    #[document(type = "string|min:2|max:80")]
    pub name: String,
    #[document(type = "email|unique")]
    pub email: String,
    #[document(type = "url|optional")]
    pub site: Option<String>,
    #[document(type = "uuid|optional")]
    pub code: Option<String>,
    #[document(type = "number|integer|min:0|optional")]
    pub age: Option<i64>,
    #[document(type = "number")]
    pub score: f64,
    #[document(type = "money:2|optional")]
    pub price: Option<f64>,
    #[document(type = "crypto:8|optional")]
    pub coins: Option<f64>,
    #[document(type = "geo:lat:6|optional")]
    pub lat: Option<f64>,
    #[document(type = "boolean|default:true")]
    pub active: bool,
    #[document(type = "array|items:string|optional")]
    pub tags: Option<Vec<String>>,
    #[document(type = "array|items:number|optional")]
    pub marks: Option<Vec<f64>>,
    #[document(type = "embedding:3|optional")]
    pub vector: Option<Vec<f64>>,
    #[document(type = "dateonly|optional")]
    pub born: Option<String>,
    #[document(type = "datetime|optional")]
    pub seen: Option<String>,
    #[document(type = "ip4|optional")]
    pub ip: Option<String>,
    #[document(type = "secret|optional")]
    pub card: Option<s3db::typed::Secret<String>>,
    #[document(type = "secretNumber|optional")]
    pub pin: Option<s3db::typed::Secret<f64>>,
    #[document(type = "password|optional")]
    pub pass: Option<s3db::typed::Secret<String>>,
    #[document(type = "json|optional")]
    pub meta: Option<serde_json::Value>,
    #[document(type = "any|optional")]
    pub any: Option<serde_json::Value>,
    #[document(type = "string|optional")]
    pub r#type: Option<String>,
    #[serde(rename = "firstName")]
    #[document(type = "string|optional")]
    pub first_name: Option<String>,
    pub address: Option<Address>,
    #[serde(rename = "createdAt")]
    #[document(type = "datetime|optional")]
    pub created_at: Option<String>,
    #[serde(rename = "updatedAt")]
    #[document(type = "datetime|optional")]
    pub updated_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
pub struct Address {
    #[document(type = "string")]
    pub city: String,
    pub geo: Option<Geo>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
pub struct Geo {
    #[document(type = "string|optional")]
    pub zone: Option<String>,
}
