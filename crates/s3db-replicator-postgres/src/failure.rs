//! What PostgreSQL complains of, and who can do something about it.

use std::error::Error as _;

use s3db_core::{Error, ErrorKind};
use tokio_postgres::error::DbError;

/// Why a statement, or a connection, did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server is away, busy, or not ours: the next try may do.
    Lost(Error),
    /// It refused what was sent: trying again does not help.
    Refused(Box<Refusal>),
}

/// What PostgreSQL said of data, without any part of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// SQLSTATE.
    pub(crate) code: String,
    /// The table, where it is another than that of the document.
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) constraint: Option<String>,
    /// What it said, where that holds no values.
    pub(crate) message: Option<String>,
}

impl Refusal {
    fn of(error: &DbError) -> Self {
        let code = error.code().code().to_owned();
        Self {
            table: None,
            column: error.column().map(str::to_owned),
            constraint: error.constraint().map(str::to_owned),
            // Those of class 22 quote the value, and every detail does.
            message: (!code.starts_with("22")).then(|| error.message().to_owned()),
            code,
        }
    }

    /// Whether what is known of the table is no longer true.
    pub(crate) fn is_of_a_table_that_changed(&self) -> bool {
        matches!(self.code.as_str(), "42P01" | "42703" | "42704" | "42804" | "42P10" | "3F000" | "0A000")
    }

    /// The error of one document.
    pub(crate) fn into_error(self, table: &str, expected: Option<&str>) -> Error {
        let kind = match self.code.as_str() {
            "42501" => ErrorKind::Denied,
            code if code.starts_with("54") => ErrorKind::TooLarge,
            code if code.starts_with("42") => ErrorKind::Conflict,
            _ => ErrorKind::Validation,
        };
        let mut error = Error::new(kind, format!("PostgreSQL refuses the document: {}", meaning(&self.code)))
            .with("table", self.table.as_deref().unwrap_or(table));
        if let Some(column) = self.column {
            error = error.with("column", column);
        }
        if let Some(constraint) = self.constraint {
            error = error.with("constraint", constraint);
        }
        if let Some(expected) = expected {
            error = error.with("expected", expected);
        }
        error = error.with("sqlstate", &self.code);
        if let Some(message) = self.message {
            error = error.with("said", message);
        }
        error.retryable(false).hint(match kind {
            ErrorKind::Denied => "grant the user of the connection what it needs",
            ErrorKind::Conflict => {
                "compare the table with the fields of the resource, or let `schema_sync` do it"
            }
            _ => "mend the document or the table, then deliver it again",
        })
    }
}

/// What a code means, for people. Appendix A of PostgreSQL's manual has all of them.
fn meaning(code: &str) -> &'static str {
    match code {
        "22001" => "a text is too long for its column",
        "22003" => "a number is out of the range of its column",
        "22007" | "22008" => "a text is no date or time",
        "22021" | "22P05" => "a text holds a character that PostgreSQL cannot store",
        "22P02" => "a value is not of the type of its column",
        "23502" => "a column must not be empty",
        "23503" => "a foreign key finds nothing, or is still in use",
        "23505" => "another row has this value already",
        "23514" => "a check of the table fails",
        "42501" => "the user of the connection may not do it",
        "42P01" => "the table is not there",
        "42703" => "a column is not there",
        "42P10" => "the column id has no unique index",
        code if code.starts_with("22") => "a value does not fit its column",
        code if code.starts_with("23") => "a constraint of the table is broken",
        code if code.starts_with("42") => "the table is another than expected",
        code if code.starts_with("54") => "a limit of PostgreSQL is passed",
        code if code.starts_with("P0") => "a trigger or function raised an error",
        _ => "see its code",
    }
}

/// Whether a code tells of what was sent rather than of the server.
fn is_of_data(code: &str) -> bool {
    // 0A what the server cannot do, 21 cardinality, 22 data, 23 constraints, 2F and 38 and P0 functions, 42 names and rights,
    // 44 checks of views, 54 limits.
    matches!(code.get(..2), Some("0A" | "21" | "22" | "23" | "2F" | "38" | "42" | "44" | "54" | "P0"))
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) if is_of_data(said.code().code()) => Self::Refused(Box::new(Refusal::of(said))),
            _ => Self::Lost(lost(&error)),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

impl Failure {
    /// The same, about this table.
    pub(crate) fn of_table(mut self, table: &str) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.table = Some(table.to_owned());
        }
        self
    }

    /// The error where no document is at fault: of connecting and of making tables.
    pub(crate) fn into_error(self, table: &str) -> Error {
        match self {
            Self::Lost(error) => error,
            Self::Refused(refusal) => {
                let kind = if refusal.code == "42501" { ErrorKind::Denied } else { ErrorKind::Conflict };
                let mut error = Error::new(kind, "PostgreSQL refuses the table")
                    .with("table", table)
                    .with("sqlstate", &refusal.code);
                if let Some(message) = &refusal.message {
                    error = error.with("said", message);
                }
                error.retryable(false)
            }
        }
    }
}

/// The error of a server that is away, or does not want us.
pub(crate) fn lost(error: &tokio_postgres::Error) -> Error {
    if let Some(said) = error.as_db_error() {
        let code = said.code().code();
        let (kind, what, hint) = match code.get(..2).unwrap_or_default() {
            "28" => (
                ErrorKind::Denied,
                "PostgreSQL refuses the user or its password",
                "look at `user` and `password`",
            ),
            "3D" => (ErrorKind::Config, "PostgreSQL has no such database", "make it, or look at `database`"),
            "40" => (ErrorKind::Conflict, "PostgreSQL gave way to another transaction", "it is tried again"),
            "53" => (
                ErrorKind::Throttled,
                "PostgreSQL has no room for it",
                "give it more connections, memory or disk",
            ),
            _ => (ErrorKind::Unavailable, "PostgreSQL could not do it", "see its log"),
        };
        let retryable = !matches!(kind, ErrorKind::Denied | ErrorKind::Config);
        return Error::new(kind, what)
            .with("sqlstate", code)
            .with("said", said.message())
            .hint(hint)
            .retryable(retryable);
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(rustls::Error::InvalidCertificate(why)) = cause.downcast_ref::<rustls::Error>() {
            return Error::new(ErrorKind::Config, "the certificate of PostgreSQL is not to be trusted")
                .with("why", format!("{why:?}").split([' ', '(', '{']).next().unwrap_or_default())
                .hint("give the certificate that signed it as `root_ca`, and the host by the name that stands in it");
        }
        // An I/O error shows the one in it, but has it as no source.
        source = match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        };
    }
    let mut gone = Error::new(ErrorKind::Unavailable, "PostgreSQL cannot be reached").with("why", error);
    if let Some(cause) = error.source() {
        gone = gone.with("cause", cause);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_the_server_is_no_fault_of_a_document() {
        #[track_caller]
        fn check(codes: &[&str], expected: bool) {
            for code in codes {
                assert_eq!(is_of_data(code), expected, "{code}");
            }
        }
        check(&["22P02", "23502", "23503", "23514", "42703", "54000", "P0001"], true);
        check(
            &["08006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "25P03", "28P01", "XX000"],
            false,
        );
    }

    #[test]
    fn a_refusal_names_the_table_the_column_and_the_code() {
        let refusal = Refusal {
            code: "22P02".to_owned(),
            table: None,
            column: Some("age".to_owned()),
            constraint: None,
            message: None,
        };
        let error = refusal.into_error("users", Some("integer"));
        assert_eq!(
            error.to_string(),
            "PostgreSQL refuses the document: a value is not of the type of its column table=users column=age \
             expected=integer sqlstate=22P02"
        );
        assert!(!error.is_retryable());
    }
}
