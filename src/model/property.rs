//! The table of configuration properties, read from the text librdkafka prints of itself.

use super::config::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    /// `producer`, `consumer` or `both`.
    pub scope: &'static str,
    /// Set per topic rather than per client.
    pub topic_level: bool,
    pub range: String,
    pub default: String,
    pub importance: String,
    /// `string`, `integer`, `boolean`, `enum value`, `CSV flags`, `pattern list`, `see dedicated API`, …
    pub kind: String,
    pub description: String,
}

impl Property {
    /// The least and the greatest number accepted.
    pub fn limits(&self) -> Option<(f64, f64)> {
        let (low, high) = self.range.split_once(" .. ")?;
        Some((low.parse().ok()?, high.parse().ok()?))
    }

    /// The words accepted, when only some are.
    pub fn words(&self) -> Option<impl Iterator<Item = &str>> {
        let chosen = matches!(self.kind.as_str(), "enum value" | "CSV flags") && !self.range.is_empty();
        chosen.then(|| self.range.split(", "))
    }

    /// The words a value may be: those of [`Property::words`], or the ones a description tells of.
    pub fn choices(&self) -> Vec<&str> {
        match self.name.as_str() {
            // "Partitioner: `random` - random distribution, `consistent` - …"
            "partitioner" => self.description.split('`').skip(1).step_by(2).collect(),
            "acks" | "request.required.acks" => vec!["all"],
            _ => self.words().map_or_else(Vec::new, Iterator::collect),
        }
    }

    /// What is accepted, for messages; none when only the description tells.
    pub fn accepted(&self) -> Option<String> {
        let mut words = self.choices();
        let kind = match self.kind.as_str() {
            "boolean" => return Some("true or false".into()),
            "integer" => format!("a whole number from {}", self.range.replace(" .. ", " to ")),
            "float" => format!("a number from {}", self.range.replace(" .. ", " to ")),
            "CSV flags" if !words.is_empty() => return Some(format!("any of {}, separated by commas", words.join(", "))),
            _ if words.is_empty() => return None,
            _ => words.remove(0).into(),
        };
        let (last, others) = match words.split_last() {
            Some((last, others)) => (*last, others),
            None => return Some(kind),
        };
        let listed: String = others.iter().map(|word| format!(", {word}")).collect();
        Some(format!("{kind}{listed} or {last}"))
    }

    /// The property this is another name of.
    pub fn alias_of(&self) -> Option<&str> {
        let (name, _) = self.description.strip_prefix("Alias for `")?.split_once('`')?;
        Some(name)
    }

    /// A function of the C interface, or something only that can set.
    pub fn is_for_c(&self) -> bool {
        self.kind == "see dedicated API"
    }

    /// A printed value as what it is: a number, a flag, a text.
    pub fn value(&self, text: &str) -> Value {
        match self.kind.as_str() {
            "boolean" => Value::Flag(text == "true"),
            "integer" | "float" => text.parse().map_or_else(|_| Value::Text(text.into()), Value::Number),
            _ => Value::Text(text.into()),
        }
    }
}

/// Reads the two tables ("Global", "Topic") of `name | C/P | range | default | importance | description`.
pub fn parse_table(text: &str) -> Vec<Property> {
    let mut topic_level = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            topic_level = title.starts_with("Topic");
        } else if let Some(property) = parse_line(line, topic_level) {
            found.push(property);
        }
    }
    found
}

fn parse_line(line: &str, topic_level: bool) -> Option<Property> {
    let mut columns = line.splitn(6, " | ").map(str::trim);
    let name = columns.next().filter(|name| !name.is_empty() && *name != "Property" && !name.starts_with("---"))?;
    let scope = match columns.next()? {
        "P" => "producer",
        "C" => "consumer",
        _ => "both",
    };
    let (range, default, importance, text) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    // The description ends in "*Type: integer*".
    let (description, kind) = match text.rsplit_once("*Type: ") {
        Some((description, kind)) => (description.trim().trim_end_matches("<br>").trim_end(), kind.trim_end_matches('*')),
        None => (text, ""),
    };
    Some(Property {
        name: name.into(),
        scope,
        topic_level,
        range: range.into(),
        default: default.into(),
        importance: importance.into(),
        kind: kind.trim().into(),
        description: description.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_printed_row() {
        let text = "## Global configuration properties\n\n\
            Property | C/P | Range | Default | Importance | Description\n\
            -----|--\n\
            linger.ms | P | 0 .. 900000 | 5 | high | Delay in ms. <br>*Type: float*\n\n\
            ## Topic configuration properties\n\
            acks | P | -1 .. 1000 | -1 | high | Alias. <br>*Type: integer*\n";
        let table = parse_table(text);
        assert_eq!(table.len(), 2);
        let linger = table.first().cloned();
        assert_eq!(
            linger.map(|p| (p.name, p.scope, p.topic_level, p.range, p.kind, p.description)),
            Some(("linger.ms".into(), "producer", false, "0 .. 900000".into(), "float".into(), "Delay in ms.".into()))
        );
        assert!(table.get(1).is_some_and(|p| p.topic_level));
        let accepted: Vec<_> = table.iter().map(Property::accepted).collect();
        assert_eq!(accepted, [Some("a number from 0 to 900000".into()), Some("a whole number from -1 to 1000 or all".into())]);
    }
}
