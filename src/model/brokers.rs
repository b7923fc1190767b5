//! Lists of brokers, as librdkafka reads them: it stops in silence at an entry it does not understand, and takes any
//! number for a port.

/// Protocols that may stand before a broker.
const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// What is wrong with the value of `bootstrap.servers`, if anything.
pub fn check_brokers(list: &[u8]) -> Result<(), String> {
    let list = String::from_utf8_lossy(list);
    let mut any = false;
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        any = true;
        check_broker(entry).map_err(|why| format!("\"{entry}\": {why}"))?;
    }
    if any {
        return Ok(());
    }
    Err("it names no broker; a list such as \"localhost:9092,other:9092\" expected".into())
}

fn check_broker(entry: &str) -> Result<(), String> {
    let host_and_port = match entry.split_once("://") {
        None => entry,
        Some((protocol, rest)) => {
            if !PROTOCOLS.iter().any(|known| known.eq_ignore_ascii_case(protocol)) {
                return Err(format!(
                    "no protocol of Kafka's is called \"{protocol}\"; write host:port, security.protocol says how to connect"
                ));
            }
            rest.split('/').next().unwrap_or_default()
        }
    };
    match port(host_and_port).map(str::trim) {
        Some(port) if port.parse::<u16>().is_ok_and(|number| number > 0) => Ok(()),
        Some(port) => Err(format!("a port from 1 to 65535 expected behind the colon, got \"{port}\"")),
        None => Ok(()),
    }
}

/// What stands behind the colon, unless the colons are those of an IPv6 address.
fn port(text: &str) -> Option<&str> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.contains(':') || host.ends_with(']')).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(list: &str) -> String {
        check_brokers(list.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn lists_that_librdkafka_understands_pass() {
        for list in [
            "localhost",
            "a:9092, b:9093 ,,c",
            "[::1]:9092",
            "::1",
            "fe80::1,a:1",
            "SSL://a:9093/",
            "sasl_ssl://a",
            ":9092",
            "a:9092\n",
            "a:65535",
        ] {
            assert_eq!(fault(list), "", "{list}");
        }
    }

    #[test]
    fn an_entry_that_would_be_passed_over_or_misread_is_named() {
        assert!(fault("").contains("names no broker"));
        assert!(fault(" , ").contains("names no broker"));
        assert!(fault("a:9092,http://b:9092").starts_with("\"http://b:9092\": no protocol of Kafka's is called \"http\""));
        assert!(fault("://a").contains("called \"\""));
        for wrong in ["a:99999", "a:0", "a:", "a:x", "a:-1", "[::1]:x", "ssl://a:9x"] {
            assert!(fault(wrong).contains("a port from 1 to 65535"), "{wrong}");
        }
    }
}
