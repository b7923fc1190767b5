//! Configuration as the user wrote it, and the rules about it that need no librdkafka.

/// A value of an option table.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(Vec<u8>),
    Number(f64),
    Integer(i64),
    Flag(bool),
}

impl Value {
    /// The text librdkafka gets.
    pub fn text(&self) -> Vec<u8> {
        match self {
            Value::Text(text) => text.clone(),
            Value::Number(number) => super::number::show(*number).into_bytes(),
            Value::Integer(number) => number.to_string().into_bytes(),
            Value::Flag(flag) => flag.to_string().into_bytes(),
        }
    }

    pub fn is_true(&self) -> bool {
        matches!(self.text().as_slice(), b"true" | b"t" | b"1")
    }
}

/// Properties in the order given.
pub type Entries = Vec<(Vec<u8>, Value)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Producer,
    Consumer,
}

/// These load or run code of the configuration's choosing.
const UNSAFE: [&str; 4] = ["plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.kerberos.kinit.cmd"];

pub fn runs_code(key: &str) -> bool {
    UNSAFE.contains(&key)
}

/// Whether the value of `key` must never be shown.
pub fn is_secret(key: &str) -> bool {
    ["password", "secret", "passphrase", "key.pem", "oauthbearer.config", "jaas"].iter().any(|word| key.contains(word))
}

/// librdkafka copies some values onto its stack and gives patterns to a recursive compiler, and
/// Kafka's protocol counts some in 16 bits: what is longer would end the process or never arrive.
pub fn check_length(key: &str, value: &[u8]) -> Result<(), String> {
    let most = match key {
        "bootstrap.servers" | "metadata.broker.list" => MOST_BROKER_LIST,
        "topic.blacklist" => MOST_PATTERN,
        "client.id" | "group.id" | "group.instance.id" | "transactional.id" | "client.rack" => i16::MAX as usize,
        _ => 1 << 20,
    };
    if value.len() > most {
        return Err(format!("at most {most} bytes are accepted, got {}", value.len()));
    }
    Ok(())
}

/// Bytes of a list of brokers.
pub const MOST_BROKER_LIST: usize = 64 << 10;
/// Bytes of a regular expression.
pub const MOST_PATTERN: usize = 4 << 10;

pub fn find<'a>(entries: &'a Entries, key: &str) -> Option<&'a Value> {
    entries.iter().rev().find(|(name, _)| name == key.as_bytes()).map(|(_, value)| value)
}

fn text_of(entries: &Entries, key: &str) -> String {
    find(entries, key).map(|value| String::from_utf8_lossy(&value.text()).to_lowercase()).unwrap_or_default()
}

/// What this module adds where the user is silent.
///
/// - A static OpenSSL knows no certificate store, so TLS gets `probe` instead of nothing.
/// - Offsets are stored by this module when a message is done, never at hand-over.
/// - librdkafka stops fetching for a second when its queue is full, and a slow reader then runs
///   in one-second steps; ten milliseconds keep the flow (bounded by the queue's own limits).
pub fn defaults(kind: Kind, entries: &Entries) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let absent = |keys: &[&str]| keys.iter().all(|key| find(entries, key).is_none());
    if text_of(entries, "security.protocol").contains("ssl")
        && absent(&["ssl.ca.location", "ssl.ca.pem", "ssl.ca.certificate.stores"])
    {
        found.push(("ssl.ca.location", "probe"));
    }
    if text_of(entries, "sasl.oauthbearer.method") == "oidc" && absent(&["https.ca.location", "https.ca.pem"]) {
        found.push(("https.ca.location", "probe"));
    }
    if kind == Kind::Consumer {
        found.push(("enable.auto.offset.store", "false"));
        if absent(&["fetch.queue.backoff.ms"]) {
            found.push(("fetch.queue.backoff.ms", "10"));
        }
    }
    found
}

/// The property that asks for tokens, when nothing but the program can fetch them.
pub fn needs_token(entries: &Entries) -> Option<&'static str> {
    let name = ["sasl.mechanisms", "sasl.mechanism"].into_iter().find(|name| text_of(entries, name) == "oauthbearer")?;
    let fetched = text_of(entries, "sasl.oauthbearer.method") == "oidc"
        || find(entries, "enable.sasl.oauthbearer.unsecure.jwt").is_some_and(Value::is_true);
    (text_of(entries, "security.protocol").starts_with("sasl") && !fetched).then_some(name)
}

/// Properties whose effect this module takes over, so that librdkafka must not see them.
pub fn is_ours(kind: Kind, key: &str) -> bool {
    if key == "log.queue" {
        // Log lines reach on_log without waiting in a queue.
        return true;
    }
    match kind {
        Kind::Producer => key == "delivery.report.only.error",
        Kind::Consumer => key == "enable.auto.offset.store",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> Entries {
        pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), Value::Text(v.as_bytes().to_vec()))).collect()
    }

    #[test]
    fn numbers_become_plain_text() {
        assert_eq!(Value::Number(20000.0).text(), b"20000");
        assert_eq!(Value::Number(0.5).text(), b"0.5");
        assert_eq!(Value::Integer(-1).text(), b"-1");
        assert_eq!(Value::Flag(true).text(), b"true");
    }

    #[test]
    fn certificates_are_probed_only_where_tls_needs_them() {
        let probe = ("ssl.ca.location", "probe");
        assert!(!defaults(Kind::Producer, &entries(&[])).contains(&probe));
        assert!(defaults(Kind::Producer, &entries(&[("security.protocol", "SASL_SSL")])).contains(&probe));
        let pem = entries(&[("security.protocol", "ssl"), ("ssl.ca.pem", "x")]);
        assert!(!defaults(Kind::Producer, &pem).contains(&probe));
    }

    #[test]
    fn a_users_own_value_wins() {
        let own = entries(&[("fetch.queue.backoff.ms", "1000")]);
        assert_eq!(defaults(Kind::Consumer, &own), [("enable.auto.offset.store", "false")]);
    }

    #[test]
    fn secrets_are_known_by_name() {
        for key in ["sasl.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.client.secret"] {
            assert!(is_secret(key), "{key}");
        }
        assert!(!is_secret("ssl.ca.pem") && !is_secret("client.id"));
    }
}
