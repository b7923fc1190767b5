//! "Did you mean": the known name closest to a misspelt one.

/// The candidate with the fewest edits, if it is close enough to be a typo; else the shortest one that goes on with
/// a dot where `word` ends.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long, and distances grow with the length.
    if word.len() > 100 {
        return None;
    }
    let allowed = (word.len() / 3).clamp(2, 8);
    let begins = |name: &str| name.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'));
    candidates
        .map(|name| (distance(word, name), name))
        .filter(|(edits, name)| *edits <= allowed || begins(name))
        .min_by_key(|(edits, name)| (*edits > allowed, *edits, name.len()))
        .map(|(_, name)| name)
}

/// Levenshtein's distance; `.`, `_` and `-` are one letter, as users mix them up.
fn distance(a: &str, b: &str) -> usize {
    let same = |x: u8, y: u8| x == y || (b"._-".contains(&x) && b"._-".contains(&y));
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let replace = diagonal + usize::from(!same(x, *y));
            diagonal = *above;
            left = replace.min(left + 1).min(above + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("linger_ms", "linger.ms"), 0);
    }

    #[test]
    fn finds_a_typo_and_refuses_a_stranger() {
        let names = ["linger.ms", "acks", "group.id"];
        assert_eq!(nearest("lingr.ms", names.into_iter()), Some("linger.ms"));
        assert_eq!(nearest("completely.else", names.into_iter()), None);
        assert_eq!(nearest("linger", names.into_iter()), Some("linger.ms"));
        assert_eq!(nearest("", names.into_iter()), None);
    }
}
