//! Refusals and failures as gRPC statuses with google.rpc details, mapped in this one place; and read back by a client.

use crate::proto::chuoi::record::v1::Refused;
use domain::refusal::{Class, Refusal};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Whose reasons these are, in google.rpc.ErrorInfo.
pub const DOMAIN: &str = "chuoi";

// Names among the figures.
const RULE: &str = "rule";
const FIELD: &str = "field";

/// A status travels in headers, of which a client takes 16 KiB: the message twice (percent-encoded, and among the details) and the
/// figures. What is longer is cut there; in a batch's outcome, which travels in the body, it stands whole.
const MAX_MESSAGE_BYTES: usize = 1_000;
/// Most bytes of any other text there.
const MAX_DETAIL_BYTES: usize = 400;

/// A refusal as the answer of a unary call.
pub fn of_refusal(refusal: &Refusal) -> Status {
    let figures: HashMap<_, _> = metadata(refusal).map(|(name, value)| (name, cut(&value, MAX_DETAIL_BYTES))).collect();
    let mut details = ErrorDetails::with_error_info(refusal.reason(), DOMAIN, figures);
    let message = refusal.to_string();
    let description = cut(&message, MAX_DETAIL_BYTES);
    let code = code_of(refusal);
    match refusal.class() {
        Class::Malformed => {
            details.add_bad_request_violation(cut(refusal.field().unwrap_or_default(), MAX_DETAIL_BYTES), description);
        }
        Class::NotFound => {
            let (what, name) = match refusal {
                Refusal::Unknown { what, value, .. } => (*what, value.clone()),
                Refusal::NoSuchCommand { command } => ("command", command.to_string()),
                other => ("", other.reason().to_owned()),
            };
            details.set_resource_info(what, cut(&name, MAX_DETAIL_BYTES), "", description);
        }
        Class::Rule => {
            details.add_precondition_failure_violation(refusal.reason(), format!("rule {}", refusal.rule()), description);
        }
        Class::Exists | Class::Forbidden => {}
    }
    Status::with_error_details(code, cut(&message, MAX_MESSAGE_BYTES), details)
}

/// A refusal as the verdict on one command of many.
pub fn refused(refusal: &Refusal) -> Refused {
    Refused {
        code: code_of(refusal).into(),
        reason: refusal.reason().to_owned(),
        message: refusal.to_string(),
        rule: refusal.rule().into(),
        metadata: metadata(refusal).collect(),
    }
}

/// The code that a refusal has: RecordService states it.
fn code_of(refusal: &Refusal) -> Code {
    match refusal.class() {
        Class::Malformed => Code::InvalidArgument,
        Class::NotFound => Code::NotFound,
        Class::Exists => Code::AlreadyExists,
        Class::Forbidden => Code::PermissionDenied,
        Class::Rule => Code::FailedPrecondition,
    }
}

/// The figures, with the rule and the field where there is one.
fn metadata(refusal: &Refusal) -> impl Iterator<Item = (String, String)> {
    let rule = (refusal.rule() != 0).then(|| (RULE, refusal.rule().to_string()));
    let field = refusal.field().map(|field| (FIELD, field.to_owned()));
    let figures = refusal.figures();
    figures.into_iter().chain(rule).chain(field).map(|(name, value)| (name.to_owned(), value))
}

/// A text of so many bytes at most.
fn cut(text: &str, most: usize) -> String {
    const MORE: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most - MORE.len());
    format!("{}{MORE}", &text[..end])
}

/// What keeps a service from answering, besides what a command says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The journal did not say whether it took the command.
    #[error(
        "whether command {command_id} was recorded is not known: the journal does not answer; send it again with the same command id"
    )]
    OutcomeUnknown {
        /// The command.
        command_id: String,
    },
    /// Something that the answer rests on is away.
    #[error("{what} cannot be reached now; send it again in a moment")]
    Unavailable {
        /// What is away.
        what: String,
    },
    /// As many commands wait as may.
    #[error("{waiting} commands are waiting to be recorded, as many as may; send it again in a moment")]
    Busy {
        /// How many.
        waiting: usize,
        /// When there may be room.
        retry_after: Duration,
    },
    /// Others appended every time before this one could.
    #[error("others recorded something {attempts} times before this could be; nothing was recorded: send it again in a moment")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The caller did not say for which organization it speaks.
    #[error("the metadata `{METADATA_ORGANIZATION}` is {given}; give the code of the organization that sends this")]
    NoOrganization {
        /// What was given, for people: `missing`, or the value and why it is no code.
        given: String,
    },
    /// A text is no position.
    #[error("{field}: {value:?} is no position of this journal ({problem}); give one as it was answered")]
    BadPosition {
        /// Path of the field.
        field: String,
        /// Value as given.
        value: String,
        /// Why.
        problem: String,
    },
    /// The server has no key to check traceability codes with.
    #[error("this server has no key to check traceability codes with; start it with --code-keys FILE")]
    NoCodeKeys,
    /// Waiting for a position took too long.
    #[error("position {reached} is reached, {at_least} was asked for; ask again in a moment")]
    PositionNotReached {
        /// As asked.
        at_least: String,
        /// How far it came.
        reached: String,
    },
    /// A field of a question cannot be read.
    #[error("{field} is {value:?}; allowed: {allowed}")]
    Malformed {
        /// Path of the field.
        field: String,
        /// Value as given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A question about what is not known.
    #[error("{what} {name:?} is not known; {hint}")]
    NotFound {
        /// Kind of thing.
        what: String,
        /// Name as given.
        name: String,
        /// What to do.
        hint: String,
    },
    /// What the answer rests on cannot be used until somebody mends it.
    #[error("{problem}")]
    Broken {
        /// What is wrong, and what to do.
        problem: String,
        /// Whether data is at fault, and not a setting or a program.
        is_data: bool,
    },
    /// More than is allowed.
    #[error("{field} is {value}; at most {allowed} is allowed")]
    Limit {
        /// Path of the field.
        field: String,
        /// Value as given.
        value: u64,
        /// What is allowed.
        allowed: u64,
    },
}

/// Request metadata that carries the caller's organization.
pub const METADATA_ORGANIZATION: &str = "chuoi-organization";

impl ServiceError {
    /// Stable reason, for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            ServiceError::OutcomeUnknown { .. } => "OUTCOME_UNKNOWN",
            ServiceError::Unavailable { .. } => "UNAVAILABLE",
            ServiceError::Busy { .. } => "BUSY",
            ServiceError::Contended { .. } => "CONTENDED",
            ServiceError::NoOrganization { .. } => "NO_ORGANIZATION",
            ServiceError::BadPosition { .. } => "BAD_POSITION",
            ServiceError::NoCodeKeys => "NO_CODE_KEYS",
            ServiceError::PositionNotReached { .. } => "POSITION_NOT_REACHED",
            ServiceError::Malformed { .. } => "MALFORMED",
            ServiceError::NotFound { .. } => "NOT_FOUND",
            ServiceError::Broken { .. } => "BROKEN",
            ServiceError::Limit { .. } => "LIMIT",
        }
    }

    fn figures(&self) -> Vec<(&'static str, String)> {
        match self {
            ServiceError::OutcomeUnknown { command_id } => vec![("command_id", command_id.clone())],
            ServiceError::Unavailable { what } => vec![("what", what.clone())],
            ServiceError::Busy { waiting, .. } => vec![("waiting", waiting.to_string())],
            ServiceError::Contended { attempts } => vec![("attempts", attempts.to_string())],
            ServiceError::NoOrganization { .. } | ServiceError::NoCodeKeys => Vec::new(),
            ServiceError::BadPosition { field, value, .. } => vec![(FIELD, field.clone()), ("value", value.clone())],
            ServiceError::Malformed { field, value, allowed } => {
                vec![(FIELD, field.clone()), ("value", value.clone()), ("allowed", allowed.clone())]
            }
            ServiceError::NotFound { what, name, .. } => vec![("what", what.clone()), ("value", name.clone())],
            ServiceError::Broken { .. } => Vec::new(),
            ServiceError::PositionNotReached { at_least, reached } => {
                vec![("at_least", at_least.clone()), ("reached", reached.clone())]
            }
            ServiceError::Limit { field, value, allowed } => {
                vec![(FIELD, field.clone()), ("value", value.to_string()), ("allowed", allowed.to_string())]
            }
        }
    }
}

/// Kind of failure, and when to try again where that helps.
fn code_of_failure(error: &ServiceError) -> (Code, Option<Duration>) {
    match error {
        ServiceError::OutcomeUnknown { .. } => (Code::Unavailable, Some(Duration::from_millis(500))),
        ServiceError::Unavailable { .. } => (Code::Unavailable, Some(Duration::from_secs(1))),
        ServiceError::Busy { retry_after, .. } => (Code::ResourceExhausted, Some(*retry_after)),
        ServiceError::Contended { .. } => (Code::Aborted, Some(Duration::from_millis(100))),
        ServiceError::PositionNotReached { .. } => (Code::DeadlineExceeded, Some(Duration::from_millis(500))),
        ServiceError::NoOrganization { .. } => (Code::Unauthenticated, None),
        ServiceError::NoCodeKeys => (Code::FailedPrecondition, None),
        ServiceError::BadPosition { .. } | ServiceError::Malformed { .. } | ServiceError::Limit { .. } => {
            (Code::InvalidArgument, None)
        }
        ServiceError::NotFound { .. } => (Code::NotFound, None),
        ServiceError::Broken { is_data: true, .. } => (Code::DataLoss, None),
        ServiceError::Broken { is_data: false, .. } => (Code::Internal, None),
    }
}

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Status {
        let figures: HashMap<_, _> =
            error.figures().into_iter().map(|(name, value)| (name.to_owned(), cut(&value, MAX_DETAIL_BYTES))).collect();
        let field = figures.get(FIELD).cloned();
        let mut details = ErrorDetails::with_error_info(error.reason(), DOMAIN, figures);
        let message = error.to_string();
        let (code, retry_after) = code_of_failure(&error);
        if let Some(field) = field {
            details.add_bad_request_violation(field, cut(&message, MAX_DETAIL_BYTES));
        }
        if let ServiceError::NotFound { what, name, hint } = &error {
            details.set_resource_info(what, cut(name, MAX_DETAIL_BYTES), "", hint);
        }
        if retry_after.is_some() {
            details.set_retry_info(retry_after);
        }
        Status::with_error_details(code, cut(&message, MAX_MESSAGE_BYTES), details)
    }
}

/// A failure as what became of one command of many.
pub fn failed(error: &ServiceError) -> Refused {
    Refused {
        code: code_of_failure(error).0.into(),
        reason: error.reason().to_owned(),
        message: error.to_string(),
        rule: 0,
        metadata: error.figures().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// A failed call, as a client tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Kind of failure.
    pub code: Code,
    /// Stable reason; empty where the other side gave none.
    pub reason: String,
    /// Number of the rule that stands against it; 0 if it is none.
    pub rule: u8,
    /// What is wrong and what to do.
    pub message: String,
    /// Paths of the fields at fault.
    pub fields: Vec<String>,
    /// The figures one by one, without rule and field.
    pub figures: BTreeMap<String, String>,
    /// When to try again, where that helps.
    pub retry_after: Option<Duration>,
}

/// Reads a status back.
pub fn explain(status: &Status) -> Explained {
    let details = status.get_error_details();
    let (reason, figures) = details
        .error_info()
        .filter(|info| info.domain == DOMAIN)
        .map(|info| (info.reason.clone(), info.metadata.clone()))
        .unwrap_or_default();
    let mut explained = explain_figures(status.code(), reason, status.message(), figures);
    if let Some(request) = details.bad_request() {
        explained.fields.extend(request.field_violations.iter().map(|violation| violation.field.clone()));
        explained.fields.dedup();
    }
    explained.retry_after = details.retry_info().and_then(|retry| retry.retry_delay);
    explained
}

/// Reads a verdict back as if it had been a call of its own.
pub fn explain_refused(refused: &Refused) -> Explained {
    explain_figures(Code::from(refused.code), refused.reason.clone(), &refused.message, refused.metadata.clone())
}

fn explain_figures(code: Code, reason: String, message: &str, figures: HashMap<String, String>) -> Explained {
    let mut figures: BTreeMap<_, _> = figures.into_iter().collect();
    Explained {
        code,
        reason,
        rule: figures.remove(RULE).and_then(|rule| rule.parse().ok()).unwrap_or(0),
        message: message.to_owned(),
        fields: figures.remove(FIELD).into_iter().collect(),
        figures,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{BadCode, CommandId, CommandRef, LotCode, OrganizationCode, ProductCode, SiteCode};
    use domain::posting::Place;
    use domain::quantity::Milli;
    use domain::refusal::LotName;
    use domain::time::BusinessDay;
    use tonic::metadata::MetadataMap;
    use uuid::Uuid;

    fn lot() -> LotName {
        LotName {
            issuer: OrganizationCode::parse("HTX-CH001").unwrap(),
            product: ProductCode::parse("PK0001").unwrap(),
            code: LotCode::parse("L1").unwrap(),
        }
    }

    fn command() -> CommandRef {
        CommandRef { organization: OrganizationCode::parse("HTX-CH001").unwrap(), command: CommandId(Uuid::from_u128(7)) }
    }

    fn not_enough() -> Refusal {
        let place = Place::Site(SiteCode::parse("SM001").unwrap());
        Refusal::NotEnough { place, lot: lot(), day: BusinessDay(20_000), there: Milli(0), asked: Milli(1_000) }
    }

    fn bad_code(value: String) -> Refusal {
        let source = BadCode { what: "a lot code", value, allowed: "1 to 20 characters" };
        Refusal::BadCode { field: "harvest.lot.lot_code".into(), source }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn each_refusal_has_its_code_rule_and_field() {
        let unknown = Refusal::Unknown { field: "sell.site".into(), what: "site", value: "SM9".into(), nearest: vec!["SM001".into()] };
        let forbidden = Refusal::NotTheAuthority { organization: command().organization, authority: command().organization };
        for (refusal, code, reason, rule, fields) in [
            (not_enough(),                                     Code::FailedPrecondition, "NOT_ENOUGH",        2,  &[][..]),
            (bad_code("!".into()),                             Code::InvalidArgument,    "BAD_CODE",          0,  &["harvest.lot.lot_code"]),
            (unknown,                                          Code::NotFound,           "UNKNOWN",           10, &["sell.site"]),
            (Refusal::NoSuchCommand { command: command() },    Code::NotFound,           "NO_SUCH_COMMAND",   8,  &[]),
            (Refusal::OtherContent { command: command() },     Code::AlreadyExists,      "OTHER_CONTENT",     0,  &[]),
            (forbidden,                                        Code::PermissionDenied,   "NOT_THE_AUTHORITY", 0,  &[]),
        ] {
            let called = explain(&of_refusal(&refusal));
            let told = (called.code, called.reason.as_str(), called.rule, called.fields.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(told, (code, reason, rule, fields.to_vec()));
            assert_eq!(called.message, refusal.to_string());
            let figures: BTreeMap<_, _> = refusal.figures().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(called.figures, figures);
            assert_eq!(explain_refused(&refused(&refusal)), called, "a verdict says the same as a call");
        }
    }

    #[test]
    fn the_figures_stand_in_the_details() {
        let explained = explain(&of_refusal(&not_enough()));
        assert_eq!(explained.figures["there_milli"], "0");
        assert_eq!(explained.figures["asked_milli"], "1000");
        assert!(explained.message.contains("0 there, 1 asked"), "{}", explained.message);
    }

    #[test]
    fn a_status_fits_into_the_headers_that_a_client_takes() {
        let long = "ắ".repeat(20_000);
        let candidates = vec![long.clone(); 20];
        let field = || long.clone();
        for refusal in [
            bad_code(long.clone()),
            Refusal::Ambiguous { field: field(), what: "site", value: long.clone(), candidates: candidates.clone() },
            Refusal::Unknown { field: field(), what: "site", value: long.clone(), nearest: candidates },
            Refusal::InTheWay {
                command: command(),
                place: Place::Site(SiteCode::parse("SM001").unwrap()),
                lot: lot(),
                day: BusinessDay(0),
                there: Milli(-1),
                in_the_way: vec![command(); 1_000],
            },
        ] {
            let bytes = header_bytes(&of_refusal(&refusal));
            assert!(bytes < 12 * 1024, "{} has {bytes} bytes of headers", refusal.reason());
            assert_eq!(refused(&refusal).message, refusal.to_string(), "whole in the body");
        }
        let error = ServiceError::BadPosition { field: long.clone(), value: long.clone(), problem: long };
        assert!(header_bytes(&error.into()) < 12 * 1024);
    }

    fn header_bytes(status: &Status) -> usize {
        let mut headers = tonic::codegen::http::HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        let metadata = MetadataMap::from_headers(headers).into_headers();
        metadata.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn failures_say_whether_to_try_again() {
        let text = || String::from("x");
        for (error, code, again) in [
            (ServiceError::OutcomeUnknown { command_id: text() },                                        Code::Unavailable,       true),
            (ServiceError::Unavailable { what: text() },                                                 Code::Unavailable,       true),
            (ServiceError::Busy { waiting: 9, retry_after: Duration::from_millis(200) },                  Code::ResourceExhausted, true),
            (ServiceError::Contended { attempts: 9 },                                                    Code::Aborted,           true),
            (ServiceError::PositionNotReached { at_least: text(), reached: text() },                     Code::DeadlineExceeded,  true),
            (ServiceError::NoCodeKeys,                                                                   Code::FailedPrecondition, false),
            (ServiceError::NoOrganization { given: text() },                                             Code::Unauthenticated,   false),
            (ServiceError::BadPosition { field: text(), value: text(), problem: text() },                Code::InvalidArgument,   false),
            (ServiceError::Malformed { field: text(), value: text(), allowed: text() },                  Code::InvalidArgument,   false),
            (ServiceError::NotFound { what: text(), name: text(), hint: text() },                        Code::NotFound,          false),
            (ServiceError::Broken { problem: text(), is_data: true },                                    Code::DataLoss,          false),
            (ServiceError::Broken { problem: text(), is_data: false },                                   Code::Internal,          false),
            (ServiceError::Limit { field: text(), value: 2, allowed: 1 },                                Code::InvalidArgument,   false),
        ] {
            let (reason, message) = (error.reason(), error.to_string());
            let in_a_batch = explain_refused(&failed(&error));
            let told = explain(&error.into());
            assert_eq!(Explained { retry_after: told.retry_after, ..in_a_batch }, told, "a verdict says the same as a call");
            assert_eq!((told.code, told.retry_after.is_some(), told.reason.as_str(), told.message), (code, again, reason, message));
        }
    }

    #[test]
    fn what_others_say_is_told_as_they_said_it() {
        let told = explain(&Status::unavailable("tcp connect error"));
        assert_eq!((told.code, told.reason.as_str(), told.message.as_str()), (Code::Unavailable, "", "tcp connect error"));
    }
}
