//! The rules.

mod data;
mod lifecycle;
mod verbs;

use super::Case;

/// Names a function of a module as a case.
macro_rules! case {
    ($module:ident, $function:ident, $rule:literal) => {
        Case { name: stringify!($function), rule: $rule, run: |ctx| Box::pin($module::$function(ctx)) }
    };
}

const CASES: &[Case] = &[
    case!(
        lifecycle,
        manifest_is_sound,
        "a plugin always says the same of itself, with a version, a mark of its own and its namespace"
    ),
    case!(verbs, verbs_are_unchanged, "verbs give with the plugin what they give without it"),
    case!(
        lifecycle,
        before_or_after_connect,
        "a plugin does the same whether it is registered before or after the database is opened"
    ),
    case!(lifecycle, name_is_taken_once, "a second instance of one name is refused, and the first goes on"),
    case!(
        data,
        instances_share_nothing,
        "instances of two namespaces run side by side, and purging one leaves the other's objects"
    ),
    case!(
        verbs,
        uninstall_leaves_nothing,
        "after uninstall verbs give what they gave and send what they sent before, and the plugin is let go"
    ),
    case!(lifecycle, reinstall_does_not_stack, "a plugin that comes again adds as much as the first time"),
    case!(
        lifecycle,
        stop_joins_its_tasks,
        "stop ends in time, without failures, and nothing of the plugin runs or asks the store afterwards"
    ),
    case!(
        lifecycle,
        failed_neighbour_undoes_it,
        "when another plugin fails to start, this one is taken out, and can be installed again"
    ),
    case!(
        data,
        keys_stay_in_its_space,
        "a plugin writes objects under its storage and its resources, and nowhere else"
    ),
    case!(data, resources_are_marked, "what a plugin makes is marked with its name, as s3db.js does"),
    case!(
        data,
        purge_leaves_no_object,
        "a purge deletes all that the plugin has written, and nothing that others have"
    ),
    case!(
        data,
        data_outlives_uninstall,
        "without a purge the data stays, and the plugin can come back to it"
    ),
    case!(
        verbs,
        own_storage_down_spares_reads,
        "documents can be read while the plugin cannot reach its storage"
    ),
    case!(
        verbs,
        comes_and_goes_under_load,
        "calls that run while the plugin comes and goes succeed, and read what was written"
    ),
    case!(lifecycle, database_is_let_go, "a plugin does not keep a closed database alive"),
];

pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter()
}
