//! Topic names and `topic:partition` entries.

use super::config::MOST_PATTERN;

/// One entry of a consumer's topics array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicEntry {
    pub topic: String,
    pub partition: Option<i32>,
}

/// What is wrong with a topic name, if anything.
pub fn check_name(name: &[u8]) -> Result<(), String> {
    if name.is_empty() {
        return Err("invalid topic: the name is empty; 1 to 249 characters of a-z A-Z 0-9 . _ - are accepted".into());
    }
    if name.len() > 249 {
        return Err(format!("invalid topic: the name has {} characters; at most 249 are accepted", name.len()));
    }
    match name.iter().find(|c| !(c.is_ascii_alphanumeric() || b"._-".contains(c))) {
        None => Ok(()),
        Some(_) => Err(format!("invalid topic '{}': only a-z A-Z 0-9 . _ - are accepted", name.escape_ascii())),
    }
}

/// `"name"`, `"name:3"` or, with a leading `^`, a regular expression.
pub fn parse_entry(entry: &[u8]) -> Result<TopicEntry, String> {
    if entry.first() == Some(&b'^') {
        if entry.len() > MOST_PATTERN {
            return Err(format!("invalid topic pattern: it has {} bytes; at most {MOST_PATTERN} are accepted", entry.len()));
        }
        let invalid = |why| format!("invalid topic pattern '{}': {why}", entry.escape_ascii());
        return match std::str::from_utf8(entry) {
            Ok(text) if text.contains('\0') => Err(invalid("it contains a NUL byte")),
            Ok(text) => Ok(TopicEntry { topic: text.into(), partition: None }),
            Err(_) => Err(invalid("it is not UTF-8")),
        };
    }
    let (name, partition) = match entry.iter().rposition(|c| *c == b':') {
        None => (entry, None),
        Some(colon) => {
            let (name, digits) = entry.split_at(colon);
            (name, Some(parse_partition(entry, digits.get(1..).unwrap_or_default())?))
        }
    };
    check_name(name)?;
    Ok(TopicEntry { topic: String::from_utf8_lossy(name).into_owned(), partition })
}

fn parse_partition(entry: &[u8], digits: &[u8]) -> Result<i32, String> {
    let invalid = || format!("invalid topic partition: '{}'", entry.escape_ascii());
    let text = std::str::from_utf8(digits).map_err(|_| invalid())?;
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|c| c.is_ascii_digit()) {
        return Err(invalid());
    }
    if text.starts_with('-') {
        return Err("invalid topic partition < 0".into());
    }
    text.parse::<i32>().map_err(|_| "invalid topic partition > INT32_MAX".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        assert!(check_name(b"a.b_c-D9").is_ok());
        assert!(check_name(b"").is_err());
        assert!(check_name(&[b'a'; 249]).is_ok());
        assert!(check_name(&[b'a'; 250]).is_err());
        assert!(check_name(b"a\0b").is_err_and(|e| e.contains(r"a\x00b")));
        assert!(check_name(b"a b").is_err());
    }

    #[test]
    fn entries_name_their_fault() {
        let entry = |text: &str| parse_entry(text.as_bytes());
        assert_eq!(entry("t"), Ok(TopicEntry { topic: "t".into(), partition: None }));
        assert_eq!(entry("t:7"), Ok(TopicEntry { topic: "t".into(), partition: Some(7) }));
        assert_eq!(entry("^t.*:x"), Ok(TopicEntry { topic: "^t.*:x".into(), partition: None }));
        assert!(entry("t:-1").is_err_and(|e| e.starts_with("invalid topic partition < 0")));
        assert!(entry("t:9000000000").is_err_and(|e| e.starts_with("invalid topic partition > INT32_MAX")));
        for bad in ["t:", "t:abc", "t:1x", "t:-"] {
            assert_eq!(entry(bad), Err(format!("invalid topic partition: '{bad}'")));
        }
    }
}
