//! The macro `doc!`.

/// A document, written as one: `doc! { name: "Ann", address: { city: "Lisbon" }, tags: ["vip"] }`.
///
/// It is always a JSON object, as the verbs of a [`Resource`](crate::Resource) take it. Names of fields stand without
/// quotes, or as texts where they hold dots or signs: `doc! { "address.city": "Porto" }`. Values are expressions, nested
/// objects in braces, lists in brackets, and `null`; an expression of any type that converts to a JSON value will do,
/// `Option` and `Vec` too.
///
/// ```
/// use s3db_core::doc;
///
/// let age = Some(30);
/// let ann = doc! { name: "Ann", age: age, address: { city: "Lisbon" }, tags: ["vip", 1 + 1], left: null };
/// assert_eq!(ann["address"]["city"], "Lisbon");
/// assert_eq!(ann["tags"][1], 2);
/// assert_eq!(doc! { age: { "$gte": 18 } }["age"]["$gte"], 18);
/// assert!(doc! {}.is_object());
/// ```
#[macro_export]
macro_rules! doc {
    () => { $crate::__doc_value($crate::Document::new()) };
    ($($members:tt)+) => {{
        let mut document = $crate::Document::new();
        $crate::__doc_members!(document $($members)+);
        $crate::__doc_value(document)
    }};
}

/// The members of an object, one after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! __doc_members {
    ($into:ident) => {};
    ($into:ident $name:ident : $($rest:tt)*) => {
        $crate::__doc_member!($into (::core::stringify!($name)) $($rest)*)
    };
    ($into:ident $name:literal : $($rest:tt)*) => {
        $crate::__doc_member!($into ($name) $($rest)*)
    };
    ($into:ident ($name:expr) : $($rest:tt)*) => {
        $crate::__doc_member!($into ($name) $($rest)*)
    };
}

/// One member of an object, and the rest.
#[doc(hidden)]
#[macro_export]
macro_rules! __doc_member {
    ($into:ident ($name:expr) null $(, $($rest:tt)*)?) => {
        $into.insert($name.into(), $crate::__doc_value(()));
        $crate::__doc_members!($into $($($rest)*)?)
    };
    ($into:ident ($name:expr) { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $into.insert($name.into(), $crate::doc!($($inner)*));
        $crate::__doc_members!($into $($($rest)*)?)
    };
    ($into:ident ($name:expr) [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $into.insert($name.into(), $crate::__doc_list!($($inner)*));
        $crate::__doc_members!($into $($($rest)*)?)
    };
    ($into:ident ($name:expr) $value:expr $(, $($rest:tt)*)?) => {
        $into.insert($name.into(), $crate::__doc_value($value));
        $crate::__doc_members!($into $($($rest)*)?)
    };
}

/// A list.
#[doc(hidden)]
#[macro_export]
macro_rules! __doc_list {
    (@ $list:ident) => {};
    (@ $list:ident null $(, $($rest:tt)*)?) => {
        $list.push($crate::__doc_value(()));
        $crate::__doc_list!(@ $list $($($rest)*)?)
    };
    (@ $list:ident { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $list.push($crate::doc!($($inner)*));
        $crate::__doc_list!(@ $list $($($rest)*)?)
    };
    (@ $list:ident [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $list.push($crate::__doc_list!($($inner)*));
        $crate::__doc_list!(@ $list $($($rest)*)?)
    };
    (@ $list:ident $value:expr $(, $($rest:tt)*)?) => {
        $list.push($crate::__doc_value($value));
        $crate::__doc_list!(@ $list $($($rest)*)?)
    };
    () => { $crate::__doc_value(::std::vec::Vec::<()>::new()) };
    ($($items:tt)+) => {{
        let mut list = ::std::vec::Vec::new();
        $crate::__doc_list!(@ list $($items)+);
        $crate::__doc_value(list)
    }};
}
