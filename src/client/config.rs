//! From an option table to a configuration librdkafka accepts, or a message that names the cure.

use std::ffi::CString;

use super::acks::Mode;
use crate::model::brokers::check_brokers;
use crate::model::config::{check_length, defaults, find, is_ours, is_secret, needs_token, runs_code, Entries, Kind, Value};
use crate::model::nearest::nearest;
use crate::native::conf::{Conf, LogTarget, Refused, TopicConf};
use crate::native::library;
use crate::native::shared::Wanted;

/// Options of this module: they have no dots and never reach librdkafka.
pub const OWN_OPTIONS: &[&str] = &[
    "on_error",
    "on_log",
    "on_stats",
    "on_throttle",
    "on_oauth_token",
    "on_delivery",
    "on_checkpoint",
    "delivery_report_every",
    "on_full",
    "on_full_timeout",
    "allow_unsafe_config",
    "exit_timeout",
    "close_timeout",
    "partitioner_timeout",
    "topics",
    "ack",
    "max_unacked",
    "on_assign",
    "on_revoke",
    "on_lost",
    "on_commit",
];

/// What the user asked of this module rather than of librdkafka. Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub wanted: Wanted,
    pub log: LogTarget,
    pub allow_unsafe: bool,
    pub exit_timeout: i64,
    pub close_timeout: i64,
    /// Of consumers: when a message is done, and how many may wait for that.
    pub ack: Mode,
    pub max_unacked: usize,
}

/// A configuration ready for a client, and the properties this module acts on itself.
pub struct Built {
    pub conf: Conf,
    pub only_failed_reports: bool,
    pub store_at_hand_over: bool,
    /// Values of properties whose effect is ours: librdkafka does not have them.
    pub ours: Vec<(&'static str, bool)>,
    /// Properties that name files, for the message when one cannot be read.
    pub files: Vec<(String, String)>,
    /// Why a client of it could never log in.
    pub tokenless: Option<String>,
}

pub fn build(kind: Kind, entries: &Entries, settings: &Settings) -> Result<Built, String> {
    let mut conf = Conf::new();
    for (key, value) in entries {
        set(&mut conf, key, value, settings)?;
    }
    for (key, value) in defaults(kind, entries) {
        set(&mut conf, key.as_bytes(), &Value::Text(value.into()), settings)?;
    }
    // Set once for the check of the value, then back: the effect is ours.
    let asked = |key| find(entries, key).is_some_and(Value::is_true);
    let mut ours = Vec::new();
    for key in ["delivery.report.only.error", "enable.auto.offset.store", "log.queue"] {
        if is_ours(kind, key) {
            set(&mut conf, key.as_bytes(), &Value::Flag(false), settings)?;
            ours.push((key, asked(key)));
        }
    }
    conf.log_to(settings.log);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let files = entries.iter().map(|(key, value)| (text(key), text(&value.text())));
    Ok(Built {
        files: files.filter(|(key, value)| key.ends_with(".location") && value != "probe").collect(),
        conf,
        ours,
        tokenless: (!settings.wanted.tokens).then(|| needs_token(entries)).flatten().map(|name| {
            format!(
                "{name} = OAUTHBEARER: needs on_oauth_token, a function that fetches a token, or sasl.oauthbearer.method = oidc"
            )
        }),
        only_failed_reports: kind == Kind::Producer && asked("delivery.report.only.error"),
        store_at_hand_over: kind == Kind::Consumer && asked("enable.auto.offset.store"),
    })
}

fn set(conf: &mut Conf, key: &[u8], value: &Value, settings: &Settings) -> Result<(), String> {
    let refuse = |why: &str| Err(failed(key, value, why));
    let (key_text, value_text) = match c_strings(key, value) {
        Ok(pair) => pair,
        Err(why) => return refuse(why),
    };
    let name = String::from_utf8_lossy(key);
    if runs_code(&name) && !settings.allow_unsafe {
        return refuse(
            "it runs code of the configuration's choosing; pass allow_unsafe_config=true if you trust where it comes from",
        );
    }
    if name == "enabled_events" {
        return refuse("this module chooses its events itself; leave it out and use on_error, on_stats, on_delivery");
    }
    if name == "group.protocol.type" && value_text.as_bytes() != b"consumer" {
        return refuse("\"consumer\" expected: every partition.assignment.strategy is registered under that name");
    }
    if matches!(value, Value::Number(number) if !number.is_finite()) {
        return refuse("a finite number expected");
    }
    if let Err(why) = check_number(&name, value, false).and_then(|()| check_length(&name, value_text.as_bytes())) {
        return refuse(&why);
    }
    if name == "bootstrap.servers" || name == "metadata.broker.list" {
        if let Err(why) = check_brokers(value_text.as_bytes()) {
            return refuse(&why);
        }
    }
    match conf.set(&key_text, &value_text) {
        Ok(()) => Ok(()),
        Err(Refused::Invalid(why)) => refuse(&with_accepted(why, &name, false)),
        Err(Refused::Unknown(why)) => refuse(&format!("{why}{}", suggestion(&name))),
    }
}

fn c_strings(key: &[u8], value: &Value) -> Result<(CString, CString), &'static str> {
    let key = CString::new(key).map_err(|_| "the name contains a NUL byte")?;
    let value = CString::new(value.text()).map_err(|_| "the value contains a NUL byte")?;
    Ok((key, value))
}

/// librdkafka's reason, and what it would take where its own words do not say so.
fn with_accepted(why: String, name: &str, topic_level: bool) -> String {
    // As in "outside allowed range 0..900000", "Expected bool value for … true or false".
    if why.contains("allowed range") || why.contains("true or false") {
        return why;
    }
    let Some(property) = library::property(name, topic_level) else { return why };
    let why = why.trim_end();
    let Some(accepted) = property.accepted() else {
        return format!("{why}; its description says what is accepted: kafka.properties(\"{name}\").description");
    };
    format!("{why}; accepted: {accepted}")
}

/// `; did you mean "linger.ms"?`, or nothing.
pub fn suggestion(name: &str) -> String {
    meant(name, property_names().chain(OWN_OPTIONS.iter().copied()))
}

/// As [`suggestion`], where this module's own options are not meant.
pub fn property_suggestion(name: &str) -> String {
    meant(name, property_names())
}

fn property_names() -> impl Iterator<Item = &'static str> {
    library::properties().iter().map(|property| property.name.as_str())
}

fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}

/// The classic sentence. A secret shows neither as the value nor inside librdkafka's reason.
fn failed(key: &[u8], value: &Value, why: &str) -> String {
    let name = printable(key);
    let shown = printable(&value.text());
    // A misspelt secret is one too.
    let near = nearest(&name, library::properties().iter().map(|property| property.name.as_str()));
    if is_secret(&name) || near.is_some_and(is_secret) {
        let why = if shown.is_empty() { why.to_string() } else { why.replace(&shown, "(hidden)") };
        return format!("Failed to set {} = (hidden) : {}", cut(&name), cut(&why));
    }
    format!("Failed to set {} = {} : {}", cut(&name), cut(&shown), cut(why))
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\\0")
}

fn cut(text: &str) -> String {
    crate::model::text::cut(text, 500)
}

enum Reading {
    Number(f64),
    /// Not a number at all: a name such as `all`, which librdkafka knows or refuses.
    Word,
    /// Begins like one and goes on otherwise: librdkafka would take the beginning.
    Neither,
}

fn read_number(text: &str, whole: bool) -> Reading {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    if let Some(number) = hex.and_then(|hex| i64::from_str_radix(hex, 16).ok()) {
        return Reading::Number(number as f64);
    }
    let plain = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit() || (c == b'.' && !whole));
    match text.parse::<f64>() {
        Ok(number) if plain || !whole && !number.is_nan() => Reading::Number(number),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-' || c.is_whitespace()) => Reading::Neither,
        _ => Reading::Word,
    }
}

/// librdkafka reads whole numbers with `strtol` into an int, which cuts what does not fit; what
/// Lua calls a number is looked at here first.
fn check_number(name: &str, value: &Value, topic_level: bool) -> Result<(), String> {
    let Some(property) = library::property(name, topic_level) else { return Ok(()) };
    if !matches!(property.kind.as_str(), "integer" | "float") {
        return Ok(());
    }
    let number = match value {
        Value::Number(number) => *number,
        Value::Integer(number) => *number as f64,
        Value::Text(text) => match read_number(&String::from_utf8_lossy(text), property.kind == "integer") {
            Reading::Number(number) => number,
            Reading::Word => return Ok(()),
            Reading::Neither => return Err(format!("a number expected, {} accepted", property.range)),
        },
        Value::Flag(_) => return Ok(()),
    };
    if property.kind == "integer" && number.fract() != 0.0 {
        return Err(format!("a whole number expected, {} accepted", property.range));
    }
    let (low, high) = property.limits().unwrap_or((f64::from(i32::MIN), f64::from(i32::MAX)));
    // In range, or near enough for librdkafka's own refusal, whose words are the classic ones.
    let fits = number >= f64::from(i32::MIN) && number <= f64::from(i32::MAX);
    if fits || (number >= low && number <= high) {
        return Ok(());
    }
    Err(format!(
        "Configuration property \"{name}\" value {} is outside allowed range {}",
        crate::model::number::show(number),
        property.range.replace(" .. ", "..")
    ))
}

/// Checks settings of a topic that go into the client's own configuration.
pub fn check_topic_entries(entries: &Entries) -> Result<(), String> {
    let mut scratch = TopicConf::new();
    entries.iter().try_for_each(|(key, value)| set_topic(&mut scratch, key, value))
}

pub fn set_topic(conf: &mut TopicConf, key: &[u8], value: &Value) -> Result<(), String> {
    let refuse = |why: &str| Err(failed(key, value, why));
    let (key_text, value_text) = match c_strings(key, value) {
        Ok(pair) => pair,
        Err(why) => return refuse(why),
    };
    let name = String::from_utf8_lossy(key);
    if let Err(why) = check_number(&name, value, true) {
        return refuse(&why);
    }
    match conf.set(&key_text, &value_text) {
        Ok(()) => Ok(()),
        Err(Refused::Invalid(why)) => refuse(&with_accepted(why, &name, true)),
        Err(Refused::Unknown(why)) => refuse(&format!("{why}{}", topic_suggestion(&name))),
    }
}

fn topic_suggestion(name: &str) -> String {
    match library::properties().iter().find(|property| property.name == name) {
        Some(_) => " (it belongs to the client, not to a topic: give it to kafka.producer or kafka.consumer)".into(),
        None => meant(
            name,
            library::properties().iter().filter(|property| property.topic_level).map(|property| property.name.as_str()),
        ),
    }
}

/// librdkafka's reason for not making a client, with the cure where we know it.
pub fn explain_new(reason: String, files: &[(String, String)]) -> String {
    if let Some((key, path, error)) = files
        .iter()
        .filter(|(key, _)| reason.contains(key.as_str()))
        .find_map(|(key, path)| std::fs::metadata(path).err().map(|error| (key, path, error)))
    {
        return format!("rd_kafka_new failed: {key} = {path}: {error}");
    }
    let kerberos = reason.contains("No provider for SASL mechanism GSSAPI");
    let cure = if reason.contains("Unsupported partition.assignment.strategy") {
        "; accepted: range, roundrobin and cooperative-sticky, separated by commas"
    } else if kerberos {
        "; this build has no Kerberos: build it with the cargo feature gssapi, or set sasl.mechanisms to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    } else {
        ""
    };
    format!("rd_kafka_new failed: {reason}{cure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(allow_unsafe: bool) -> Settings {
        Settings {
            wanted: Wanted::default(),
            log: LogTarget::None,
            allow_unsafe,
            exit_timeout: 0,
            close_timeout: 0,
            ack: Mode::Auto,
            max_unacked: 0,
        }
    }

    fn refusal(key: &str, value: &str) -> String {
        let entries = vec![(key.as_bytes().to_vec(), Value::Text(value.as_bytes().to_vec()))];
        build(Kind::Producer, &entries, &settings(false)).err().unwrap_or_default()
    }

    #[test]
    fn a_refusal_names_key_value_and_cure() {
        assert!(refusal("lingr.ms", "5").contains("did you mean \"linger.ms\"?"));
        assert!(refusal("on_eror", "x").contains("did you mean \"on_error\"?"));
        assert!(refusal("linger.ms", "soon").starts_with("Failed to set linger.ms = soon : "));
        assert!(refusal("plugin.library.paths", "x.so").contains("allow_unsafe_config=true"));
        assert!(refusal("a\0b", "x").contains("NUL"));
    }

    #[test]
    fn a_secret_stays_secret() {
        let text = refusal("ssl.key.pem", "very-private\0");
        assert!(text.contains("(hidden)") && !text.contains("very-private"), "{text}");
    }

    #[test]
    fn code_in_a_configuration_needs_permission() {
        let entries = vec![(b"sasl.kerberos.kinit.cmd".to_vec(), Value::Text(b"true".to_vec()))];
        assert!(build(Kind::Producer, &entries, &settings(false)).is_err());
    }
}
